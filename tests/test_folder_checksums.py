"""A folder answers with a checksum of what it gives back: no second MD5 of a large file."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import pytest

from bucketline.errors import BadRequest, Mismatch
from bucketline.flow.drive import blocking as call
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.model import Checksum, Copy, Outcome, Proof
from bucketline.stores.base import Sums
from bucketline.stores.digests import CRC64NVME, MD5
from bucketline.stores.local import LocalStore, ShortMemory
from bucketline.stores.memory import MemoryStore

MIB = 1 << 20
BODY = bytes(range(251)) * (3 * MIB // 251)
WRONG = Checksum("crc64nvme", b64encode(bytes(8)).decode())


@pytest.fixture
def folder(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path), ShortMemory())


def moved(target: LocalStore, source: MemoryStore, **policy: object) -> Outcome:
    entry = call(source.stat("key")).entry
    how = MovePolicy(**policy)  # type: ignore[arg-type]
    return call(copy(Copy(entry, "key"), source, target, how))


def crc(body: bytes) -> Checksum:
    return CRC64NVME.checksum(CRC64NVME.digest(body))


@pytest.mark.parametrize("body", [b"", b"small", BODY])
def test_a_write_is_answered_with_the_checksum_of_what_the_file_gives_back(
    folder: LocalStore, body: bytes
) -> None:
    receipt = call(folder.write("key", body, checksum=crc(body)))

    assert dict(receipt.checksums) == {"crc64nvme": crc(body).value}
    assert receipt.etag == ""  # Nobody has made an MD5.


def test_a_body_that_does_not_fit_its_checksum_is_refused(folder: LocalStore) -> None:
    with pytest.raises(Mismatch):
        call(folder.write("key", BODY, checksum=WRONG))

    assert call(folder.page()).entries == []


def test_parts_make_the_checksum_of_the_whole_or_are_refused(folder: LocalStore) -> None:
    halves = [BODY[:MIB], BODY[MIB:]]
    for whole in (WRONG, crc(BODY)):
        upload = call(folder.begin("key", len(BODY), algorithm="crc64nvme"))
        sent = [
            call(folder.part("key", upload, n + 1, one, offset=n * MIB, checksum=crc(one)))
            for n, one in enumerate(halves)
        ]
        finish = folder.finish("key", upload, [one.etag for one in sent], sums=Sums(whole, []))
        if whole is WRONG:
            with pytest.raises(Mismatch):
                call(finish)
        else:
            assert dict(call(finish).checksums) == {"crc64nvme": whole.value}
    assert call(folder.read("key")).body == BODY


def test_parts_without_checksums_do_not_vouch_for_one(folder: LocalStore) -> None:
    upload = call(folder.begin("key", len(BODY)))
    etag = call(folder.part("key", upload, 1, BODY, offset=0)).etag

    with pytest.raises(BadRequest):
        call(folder.finish("key", upload, [etag], sums=Sums(crc(BODY), [])))


@pytest.mark.parametrize("part_size", [MIB, 16 * MIB])
def test_a_large_object_is_proven_by_it(
    folder: LocalStore, part_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = MemoryStore(objects={"key": BODY})
    hashed: list[int] = []
    _count(monkeypatch, hashed)

    outcome = moved(folder, source, part_size=part_size)

    assert outcome.proof is Proof.CRC64NVME
    assert outcome.hashes["crc64nvme"] == CRC64NVME.digest(BODY).hex()
    assert call(folder.read("key")).body == BODY
    assert sum(hashed) <= len(BODY)  # For the source's etag, once.


def test_where_the_size_is_enough_nothing_is_asked_of_the_source(
    folder: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = MemoryStore(objects={"key": BODY})
    hashed: list[int] = []
    _count(monkeypatch, hashed)

    outcome = moved(folder, source, part_size=MIB, accept=Proof.SIZE)

    assert outcome.proof is Proof.CRC64NVME
    assert hashed == []


def test_a_small_one_costs_a_single_md5(folder: LocalStore) -> None:
    outcome = moved(folder, MemoryStore(objects={"key": b"bytes"}))

    assert (outcome.proof, dict(outcome.hashes)) == (
        Proof.ETAG,
        {"md5": md5(b"bytes").hexdigest()},
    )


def _count(monkeypatch: pytest.MonkeyPatch, hashed: list[int]) -> None:
    """Bytes of which the move makes an MD5 outside of the folder."""
    known = MD5.digest

    def digest(body: bytes) -> bytes:
        hashed.append(len(body))
        return known(body)

    monkeypatch.setattr("bucketline.flow.move.hashing.MD5", _replaced(digest))
    monkeypatch.setattr("bucketline.flow.move.proof.MD5", _replaced(digest))


def _replaced(digest: object) -> object:
    return replace(MD5, digest=digest)  # type: ignore[arg-type]
