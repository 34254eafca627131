"""One object across, shown by checksums: believed only of stores that proved to check them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Mismatch
from bucketline.flow.drive import blocking
from bucketline.flow.move.copy import copy
from bucketline.flow.move.hashing import BY_MD5, Hashing, choose
from bucketline.flow.move.proof import Learnt, MovePolicy
from bucketline.model import Checksum, Copy, Entry, Fate, Found, Outcome, Proof
from bucketline.stores.base import Receipt
from bucketline.stores.digests import CRC32, CRC32C, CRC64NVME, SHA256, Algorithm
from bucketline.stores.local import LocalStore
from bucketline.stores.local.attributes import ShortMemory
from bucketline.stores.memory import Held, MemoryStore
from crossing import SMALL, Crossing, Fault, flipped, md5

ALGORITHMS = [CRC64NVME, CRC32C, SHA256, CRC32]
BODY = b"hello"


def of(algorithm: Algorithm, body: bytes = BODY) -> Checksum:
    return algorithm.checksum(algorithm.digest(body))


def store(name: str, *algorithms: Algorithm) -> MemoryStore:
    return MemoryStore(name, checksums=[one.name for one in algorithms])


def crossing(
    source: tuple[Algorithm, ...] = (),
    target: tuple[Algorithm, ...] = (),
    *,
    told: Checksum | None = None,
    **more: Any,
) -> Crossing:
    """What the sides check, and what the source tells of its object."""
    made = Crossing(source=store("source", *source), target=store("target", *target), **more)
    made.source.objects["s"] = Held(BODY, md5(BODY), checksum=told)
    return made


def silent(call: Callable[[], Any]) -> Receipt:
    receipt: Receipt = call()
    return replace(receipt, checksums={})


def hashed(outcome: Outcome) -> set[str]:
    return set(outcome.hashes)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda one: one.name)
def test_between_two_that_check_the_same_it_is_computed_once_and_nothing_else(
    algorithm: Algorithm,
) -> None:
    both = crossing((algorithm,), (algorithm,), told=of(algorithm))
    outcome = both.copy()
    assert outcome.proof is algorithm.proof
    assert outcome.hashes == {algorithm.name: algorithm.digest(BODY).hex()}
    assert outcome.target_etag == md5(BODY)
    assert both.target.objects["t"].checksum == of(algorithm)
    assert both.works == ["read s", "write t"]


def test_the_target_keeps_the_checksum_that_the_source_has_although_it_knows_a_better_one() -> None:
    both = crossing((CRC32,), (CRC64NVME, CRC32), told=of(CRC32))
    assert both.copy().proof is Proof.CRC32
    assert both.target.objects["t"].checksum == of(CRC32)


def test_where_the_target_lacks_the_sources_algorithm_it_gets_the_best_it_knows() -> None:
    both = crossing((SHA256,), (CRC32C, CRC64NVME), told=of(SHA256))
    outcome = both.copy()
    assert outcome.proof is Proof.CRC64NVME
    assert hashed(outcome) == {"sha256", "crc64nvme"}
    assert both.target.objects["t"].checksum == of(CRC64NVME)


def test_an_etag_that_is_an_md5_is_still_held_against_the_bytes_when_nothing_better_is_told() -> (
    None
):
    both = crossing((), (CRC64NVME,))
    outcome = both.copy()
    assert outcome.proof is Proof.CRC64NVME
    assert hashed(outcome) == {"md5", "crc64nvme"}
    damaged = crossing((), (CRC64NVME,), faults={("read s", 1): flipped})
    assert damaged.copy().fate is Fate.DONE
    assert damaged.target.bodies() == {"t": BODY}


def test_where_no_etag_is_an_md5_none_is_computed() -> None:
    both = crossing((), (CRC64NVME,))
    both.source.objects["s"] = Held(BODY, f"{'0' * 32}-2")
    assert hashed(both.copy()) == {"crc64nvme"}


def test_a_target_that_checks_nothing_is_shown_by_its_etag_and_the_source_by_its_checksum() -> None:
    both = crossing((CRC64NVME,), (), told=of(CRC64NVME))
    outcome = both.copy()
    assert outcome.proof is Proof.ETAG
    assert hashed(outcome) == {"md5", "crc64nvme"}


@pytest.mark.parametrize("target", [(), (CRC64NVME,)], ids=["plain", "checking"])
def test_bytes_damaged_on_the_way_down_do_not_pass_the_sources_checksum(
    target: tuple[Algorithm, ...],
) -> None:
    both = crossing((CRC64NVME,), target, told=of(CRC64NVME), faults={("read s", 1): flipped})
    assert both.copy().fate is Fate.DONE
    assert both.target.bodies() == {"t": BODY}
    assert both.works.count("read s") > 1


def test_bytes_that_are_always_damaged_are_never_delivered() -> None:
    faults: dict[tuple[str, int], Fault] = {("read s", n): flipped for n in range(1, 12)}
    both = crossing((CRC64NVME,), (CRC64NVME,), told=of(CRC64NVME), faults=faults)
    both.source.objects["s"] = Held(BODY, "opaque", checksum=of(CRC64NVME))
    with pytest.raises(Mismatch, match="crc64nvme"):
        both.copy()
    assert both.target.bodies() == {}


def test_a_source_that_proved_to_check_and_tells_another_checksum_holds_damaged_bytes() -> None:
    both = crossing((CRC64NVME,), (CRC64NVME,), told=of(CRC64NVME, b"jello"))
    with pytest.raises(Mismatch, match="the source's crc64nvme"):
        both.copy()
    assert both.target.bodies() == {}


def test_a_source_that_rotted_does_not_replace_what_bears_the_same_etag() -> None:
    both = crossing()
    rotted = Entry("s", 5, etag=md5(b"jello"))
    both.source.objects["s"] = Held(b"hello", rotted.etag)
    both.target.objects["t"] = Held(b"jello", rotted.etag)
    action = Copy(rotted, "t", replaces=rotted._replace(key="t"))
    with pytest.raises(Mismatch, match=rotted.etag):
        both.run(copy(action, both.source, both.target, replace(SMALL)))
    assert both.target.bodies() == {"t": b"jello"}


def test_a_checksum_that_a_server_only_keeps_gives_way_to_an_etag_that_is_right() -> None:
    both = crossing((), (CRC64NVME,), told=of(CRC64NVME, b"jello"))
    outcome = both.copy(learnt=Learnt(source_tells_checksums=True))
    assert outcome.fate is Fate.DONE
    assert both.target.objects["t"].checksum == of(CRC64NVME)


def test_a_kept_checksum_without_an_etag_is_disbelieved_only_until_one_was_right() -> None:
    both = crossing((), (), told=of(CRC64NVME, b"jello"))
    both.source.objects["s"] = replace(both.source.objects["s"], etag="opaque")
    assert both.copy().fate is Fate.DONE
    with pytest.raises(Mismatch):
        both.copy(learnt=Learnt(source_tells_checksums=True))


def test_a_target_that_answers_with_another_checksum_is_written_again() -> None:
    def lying(call: Callable[[], Any]) -> Receipt:
        receipt: Receipt = call()
        return replace(receipt, checksums={"crc64nvme": "AAAAAAAAAAA="})

    both = crossing((), (CRC64NVME,), faults={("write t", 1): lying})
    assert both.copy().proof is Proof.CRC64NVME
    assert both.works.count("write t") == 2


def test_a_target_that_tells_its_checksum_only_when_asked_is_asked_once() -> None:
    learnt = Learnt()
    faults: dict[tuple[str, int], Fault] = {("write t", n): silent for n in range(1, 9)}
    both = crossing((CRC64NVME,), (CRC64NVME,), told=of(CRC64NVME), faults=faults)
    assert both.copy(learnt=learnt).proof is Proof.CRC64NVME
    assert both.works == ["read s", "write t", "stat t"]
    outcome = both.copy(learnt=learnt)
    assert outcome.proof is Proof.ETAG
    assert both.works[3:] == ["read s", "write t"]
    assert both.target.objects["t"].checksum == of(CRC64NVME)


def test_a_target_that_tells_none_at_all_is_read_back() -> None:
    def forgetting(call: Callable[[], Any]) -> Receipt:
        receipt = silent(call)
        both.target.objects["t"] = replace(both.target.objects["t"], checksum=None)
        return receipt

    both = crossing((CRC64NVME,), (CRC64NVME,), told=of(CRC64NVME))
    both.faults["write t", 1] = forgetting
    assert both.copy().proof is Proof.READBACK
    assert both.works == ["read s", "write t", "stat t", "read t"]


def test_a_target_that_kept_other_bytes_than_its_silence_suggests_is_written_again() -> None:
    def spoiling(call: Callable[[], Any]) -> Receipt:
        receipt = silent(call)
        both.target.objects["t"] = Held(b"jello", "opaque", checksum=of(CRC64NVME, b"jello"))
        return receipt

    both = crossing((CRC64NVME,), (CRC64NVME,), told=of(CRC64NVME))
    both.faults["write t", 1] = spoiling
    assert both.copy().fate is Fate.DONE
    assert both.target.bodies() == {"t": BODY}


def test_who_accepts_the_size_gets_the_checksum_where_there_is_one() -> None:
    policy = MovePolicy(accept=Proof.SIZE, part_size=SMALL.part_size)
    assert crossing((), (CRC64NVME,)).copy(policy).proof is Proof.CRC64NVME


def test_without_checksums_on_either_side_nothing_is_chosen() -> None:
    found = Found(Entry("s", 5, etag=md5(BODY)))
    assert choose(found, store("a"), store("b")) is BY_MD5
    composed = replace(found, checksums={"crc32": "AAAAAA==-3"})
    assert choose(composed, store("a"), store("b")) == Hashing()


@pytest.mark.parametrize("body", [BODY, b"in more than one part"])
def test_what_a_target_calls_the_bytes_of_a_file_is_remembered_though_nobody_made_an_md5(
    tmp_path: Path, body: bytes
) -> None:
    (tmp_path / "s").write_bytes(body)
    later = FakeClock((tmp_path / "s").stat().st_ctime + 10)
    source = LocalStore(str(tmp_path), ShortMemory(), clock=later)
    target = store("target", CRC64NVME)
    entry = blocking(source.stat("s")).entry
    outcome = blocking(copy(Copy(entry, "t"), source, target, SMALL))
    assert hashed(outcome) == {"crc64nvme"}
    assert blocking(source.stat("s")).entry.etag == outcome.target_etag
