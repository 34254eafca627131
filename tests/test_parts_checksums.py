"""A big object across, shown by checksums of its parts that make the one of the whole."""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bucketline.clock import SystemClock
from bucketline.engines.doctor.checksums import prove_checksums
from bucketline.errors import Mismatch
from bucketline.flow.drive import blocking
from bucketline.flow.move.copy import copy
from bucketline.flow.move.proof import Learnt, MovePolicy
from bucketline.flow.move.wholes import whole_of
from bucketline.model import Checksum, Copy, Fate, Outcome, Proof
from bucketline.stores.base import Receipt
from bucketline.stores.digests import CRC32, CRC32C, CRC64NVME, SHA256, Algorithm
from bucketline.stores.memory import Held, MemoryStore
from bucketline.stores.s3 import S3Store
from crossing import BIG, Crossing, Fault, flipped, md5
from servers import Endpoint

PARTS = [BIG[:8], BIG[8:16], BIG[16:]]
ETAG = f"{md5(b''.join(bytes.fromhex(md5(part)) for part in PARTS))}-3"


def of(algorithm: Algorithm, body: bytes = BIG) -> Checksum:
    return algorithm.checksum(algorithm.digest(body))


def crossing(
    source: tuple[Algorithm, ...] = (),
    target: tuple[Algorithm, ...] = (),
    *,
    told: Checksum | None = None,
    etag: str = "",
    **more: Any,
) -> Crossing:
    here = MemoryStore("source", checksums=[one.name for one in source])
    there = MemoryStore("target", checksums=[one.name for one in target])
    made = Crossing(BIG, here, there, **more)
    made.source.objects["s"] = Held(BIG, etag or md5(BIG), checksum=told)
    return made


def hashed(outcome: Outcome) -> set[str]:
    return set(outcome.hashes)


@pytest.mark.parametrize("algorithm", [CRC64NVME, CRC32C, CRC32], ids=lambda one: one.name)
def test_what_both_sides_check_is_all_that_is_computed(algorithm: Algorithm) -> None:
    both = crossing((algorithm,), (algorithm,), told=of(algorithm))
    outcome = both.copy()
    assert outcome.proof is algorithm.proof
    assert outcome.hashes == {algorithm.name: algorithm.digest(BIG).hex()}
    assert outcome.target_etag == ETAG
    assert both.target.objects["t"].checksum == of(algorithm)
    assert both.target.bodies() == {"t": BIG}


def test_an_etag_of_the_whole_asks_for_one_md5_and_not_for_those_of_the_parts() -> None:
    both = crossing((), (CRC64NVME,))
    outcome = both.copy()
    assert (outcome.proof, hashed(outcome)) == (Proof.CRC64NVME, {"crc64nvme"})
    for number in range(1, 4):
        damaged = crossing((), (CRC64NVME,), faults={("read s", number): flipped})
        assert damaged.copy().fate is Fate.DONE
        assert damaged.target.bodies() == {"t": BIG}


def test_an_etag_of_the_same_parts_asks_for_theirs() -> None:
    both = crossing((), (CRC64NVME,), etag=ETAG)
    outcome = both.copy()
    assert (outcome.proof, hashed(outcome)) == (
        Proof.CRC64NVME,
        {"crc64nvme", "md5-parts", "part-size"},
    )


def test_a_source_that_tells_another_algorithm_is_held_to_its_own() -> None:
    both = crossing((CRC32,), (CRC64NVME,), told=of(CRC32))
    outcome = both.copy()
    assert (outcome.proof, hashed(outcome)) == (Proof.CRC64NVME, {"crc32", "crc64nvme"})
    damaged = crossing((CRC32,), (CRC64NVME,), told=of(CRC32), etag="-")
    damaged.faults["read s", 2] = flipped
    assert damaged.copy().fate is Fate.DONE
    assert damaged.target.bodies() == {"t": BIG}


def test_what_cannot_be_combined_leaves_it_to_the_etag() -> None:
    both = crossing((SHA256,), (SHA256, CRC64NVME), told=of(SHA256))
    outcome = both.copy()
    assert (outcome.proof, hashed(outcome)) == (Proof.CRC64NVME, {"crc64nvme"})
    both = crossing((SHA256,), (SHA256,), told=of(SHA256))
    assert both.copy().proof is Proof.MD5_PARTS


@pytest.mark.parametrize("target", [(), (CRC64NVME,)], ids=["plain", "checking"])
def test_bytes_that_are_not_those_of_the_sources_checksum_are_never_delivered(
    target: tuple[Algorithm, ...],
) -> None:
    both = crossing((CRC64NVME,), target, told=of(CRC64NVME, b"x"), etag="opaque")
    with pytest.raises(Mismatch, match="crc64nvme"):
        both.copy()
    assert both.target.bodies() == {}
    assert both.target.uploads == {}


def test_a_checksum_that_a_server_only_keeps_gives_way_to_what_its_etag_or_two_readings_say() -> (
    None
):
    learnt = Learnt(source_tells_md5=True, source_tells_checksums=True)
    assert crossing(told=of(CRC64NVME, b"x")).copy(learnt=learnt).fate is Fate.DONE
    assert crossing(told=of(CRC64NVME, b"x"), etag="opaque").copy().fate is Fate.DONE
    with pytest.raises(Mismatch):
        crossing(told=of(CRC64NVME, b"x"), etag="opaque").copy(learnt=learnt)
    with pytest.raises(Mismatch):
        crossing(told=of(CRC64NVME, b"x"), etag="0" * 32).copy(learnt=learnt)


def saying(**checksums: str) -> Fault:
    def fault(call: Callable[[], Any]) -> Receipt:
        receipt: Receipt = call()
        return replace(receipt, checksums=checksums)

    return fault


def test_a_part_that_arrived_as_other_bytes_is_sent_again() -> None:
    both = crossing((), (CRC64NVME,), faults={("part t", 2): saying(crc64nvme="AAAA")})
    assert both.copy().proof is Proof.CRC64NVME
    assert both.works.count("part t") == 4


def test_a_whole_that_became_other_bytes_is_made_again() -> None:
    both = crossing((), (CRC64NVME,), faults={("finish t", 1): saying(crc64nvme="AAAA")})
    assert both.copy().proof is Proof.CRC64NVME
    assert both.works.count("begin t") == 2


def test_a_target_that_tells_of_the_whole_only_when_asked_is_asked() -> None:
    both = crossing((), (CRC64NVME,), faults={("finish t", 1): saying()})
    assert both.copy().proof is Proof.CRC64NVME
    assert both.works[-1] == "stat t"


def test_a_target_that_tells_nothing_of_the_whole_is_read_back_once_and_then_trusted_by_etag() -> (
    None
):
    def forgetting(call: Callable[[], Any]) -> Receipt:
        receipt: Receipt = call()
        both.target.objects["t"] = replace(both.target.objects["t"], checksum=None)
        return replace(receipt, checksums={})

    learnt = Learnt()
    both = crossing((), (CRC64NVME,))
    both.faults |= {("finish t", n): forgetting for n in (1, 2)}
    assert both.copy(learnt=learnt).proof is Proof.READBACK
    outcome = both.copy(learnt=learnt)
    assert (outcome.proof, outcome.target_etag) == (Proof.MD5_PARTS, ETAG)


def test_a_checksum_composed_of_the_parts_shows_them_all() -> None:
    digests = [CRC64NVME.digest(part) for part in PARTS]
    composed = f"{b64encode(CRC64NVME.digest(b''.join(digests))).decode()}-3"
    assert whole_of(CRC64NVME, digests, [8, 8, 4]) == (of(CRC64NVME), composed)
    both = crossing((), (CRC64NVME,), faults={("finish t", 1): saying(crc64nvme=composed)})
    assert both.copy().proof is Proof.CRC64NVME
    assert both.works.count("begin t") == 1


def test_a_real_server_that_checks_keeps_parts_and_tells_what_they_became(
    ministack: Endpoint,
) -> None:
    body = bytes(range(256)) * (44 << 10)  # 11 MiB: three parts of 5 MiB.
    place = S3Store(ministack.remote(), f"b-{uuid.uuid4().hex[:12]}", clock=SystemClock())
    blocking(place.create_bucket())
    place.learn(replace(place.able, checksums=blocking(prove_checksums(place, "scratch"))))
    source = MemoryStore("source", {"s": body}, checksums=["crc64nvme"])
    source.objects["s"] = replace(source.objects["s"], checksum=of(CRC64NVME, body))
    entry = source.objects["s"].found("s").entry

    policy = MovePolicy(part_size=5 << 20)
    outcome = blocking(copy(Copy(entry, "t"), source, place, policy))
    assert outcome.proof is Proof.CRC64NVME
    assert outcome.hashes == {"crc64nvme": CRC64NVME.digest(body).hex()}
    assert blocking(place.read("t")).body == body
    assert blocking(place.list_uploads()) == []
