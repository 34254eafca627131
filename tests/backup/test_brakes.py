"""No listing that lies, breaks off or comes empty, and no burst, calls anything deleted."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.cli import main
from bucketline.engines.backup.scrambled import is_noise, is_scrambled
from faults import kinds
from faults.http import Message
from faults.proxy import Exchange, Fault, FaultProxy
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
_EMPTY = (
    b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
)
_COUNT = 24


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, moto, capsys)
    for number in range(_COUNT):
        vault.put(f"folder/{number:02}", b"%d" % number)
    return vault


@pytest.fixture
def proxy(moto: Endpoint) -> Iterator[FaultProxy]:
    with FaultProxy(moto.url) as proxy:
        yield proxy


def instead(body: bytes, status: int = 200) -> Fault:
    """Another answer."""

    def answered(exchange: Exchange) -> None:
        exchange.forward()
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/xml\r\nContent-Length: "
        exchange.send(Message(f"{head}{len(body)}\r\n\r\n".encode(), body))

    return answered


def first_of(exchange: Exchange) -> None:
    """The first key alone, as if it were all."""
    told = exchange.forward()
    begin, end = told.body.index(b"</Contents>") + 11, told.body.rindex(b"</Contents>") + 11
    body = told.body[:begin] + told.body[end:]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n"
    exchange.send(Message(head % len(body), body))


LIES: dict[str, Fault] = {
    "reset": kinds.reset_before_headers,
    "reset in the middle": kinds.reset_in_body,
    "ends early": kinds.end_early,
    "500": kinds.fail,
    "an error under 200": kinds.fail_in_200,
    "denied": kinds.refuse(403, "AccessDenied"),
    "no such bucket": kinds.refuse(404, "NoSuchBucket"),
    "cut in the middle": kinds.listing_cut_in_the_middle,
    "no end is told": kinds.listing_without_is_truncated,
    "no body": instead(b""),
    "empty": instead(_EMPTY),
    "one key alone": first_of,
    "something else": instead(b"<html><body>Please log in</body></html>"),
}
_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_EASY = {"denied", "no such bucket", "empty", "one key alone"}
_CASES = [
    pytest.param(lie, side, marks=() if lie in _EASY else pytest.mark.slow)
    for place, lie in enumerate(LIES)
    for side in ("source", "target")
    if _SOAK or lie in _EASY or side == ("source", "target")[place % 2]  # Each is tried again long.
    if not (side == "target" and lie in ("empty", "one key alone"))  # There it makes more copies.
]


def ends_as(vault: Vault, proxy: FaultProxy, side: str) -> int:
    words = (f"--{side}-endpoint-url", proxy.url)
    return vault.ended("backup", vault.s3, vault.there, *words)[0]


@pytest.mark.parametrize(("lie", "side"), _CASES)
def test_a_listing_that_lies_calls_nothing_deleted(
    lie: str, side: str, vault: Vault, proxy: FaultProxy
) -> None:
    vault.back_up()
    vault.drop("folder/03", "folder/11")
    proxy.add(LIES[lie], path="list-type")

    code = ends_as(vault, proxy, side)

    assert code in (5, 7)
    assert vault.deleted() == set()
    assert not any(row.deleted for row in vault.rows().values())
    proxy.heal()
    assert ends_as(vault, proxy, side) == 0
    assert vault.deleted() == {"folder/03", "folder/11"}


def test_a_burst_of_deletions_stops_before_the_first(vault: Vault) -> None:
    vault.back_up()
    vault.drop(*(f"folder/{number:02}" for number in range(11)))
    vault.put("new", b"x")

    vault.back_up(code=7)

    assert vault.deleted() == set()
    vault.back_up("--max-vanished", "10", code=7)
    assert vault.back_up("--max-vanished", "11")["done"] >= 11
    assert vault.bodies()["new"] == b"x"
    assert len(vault.deleted()) == 11


def test_a_burst_of_overwrites_stops_before_the_first(vault: Vault) -> None:
    vault.back_up()
    before = vault.bodies()
    for number in range(11):
        vault.put(f"folder/{number:02}", b"scrambled %d" % number)
    vault.drop("folder/20")

    vault.back_up(code=7)

    assert vault.bodies() == before
    assert vault.deleted() == set()
    vault.back_up("--max-replaced", "50%")
    assert vault.bodies().items() >= vault.bodies(vault.bucket).items()
    assert vault.deleted() == {"folder/20"}


def test_a_limit_that_makes_no_sense_is_told_at_once(vault: Vault) -> None:
    assert vault.ended("backup", vault.s3, vault.there, "--max-vanished", "some")[0] == 2
    assert vault.keys() == set()


def refused(vault: Vault, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What is said of it."""
    assert main(["backup", vault.s3, vault.there, *words, "--endpoint-url", vault.url]) == 7
    return capsys.readouterr().err


def noise(number: int, size: int = 6_000) -> bytes:
    return random.Random(number).randbytes(size)


def text(number: int) -> bytes:
    return b"A line of plain text, of which there are many; number %d.\n" % number * 90


def fill(vault: Vault, body: Callable[[int], bytes], count: int = _COUNT) -> None:
    for number in range(count):
        vault.put(f"folder/{number:02}", body(number))


@pytest.mark.parametrize("words", [(), ("--versions",)], ids=["plain", "versions"])
def test_what_looks_encrypted_now_stops_before_the_first(
    words: tuple[str, ...], ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = Vault(tmp_path, ministack, capsys)
    for bucket in (vault.bucket, vault.backup_bucket):
        vault.client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    fill(vault, text)
    vault.back_up(*words)
    before = vault.bodies()
    fill(vault, noise, 12)

    said = refused(vault, capsys, *words, "--max-replaced", "100%")

    assert "12 objects look encrypted" in said
    assert "(one is folder/" in said
    assert vault.bodies() == before
    allowed = ("--max-replaced", "100%", "--max-scrambled")
    vault.back_up(*words, *allowed, "11", code=7)
    vault.back_up(*words, *allowed, "12")
    assert vault.bodies() == vault.bodies(vault.bucket)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_what_was_compressed_before_is_no_sign(pack: Callable[[bytes], bytes]) -> None:
    for number in range(100):
        plain = noise(number).hex().encode()
        head, later = pack(plain)[:4_096], pack(plain[::-1])[:4_096]
        assert not is_scrambled(head, later)  # It was as random before.
        assert not is_scrambled(plain[:4_096], later)  # It tells what it is.
        assert is_scrambled(head, noise(number + 1)[:4_096])  # It told what it was.


def test_what_names_tell(vault: Vault, capsys: pytest.CaptureFixture[str]) -> None:
    vault.back_up()
    for number in range(12):
        vault.drop(f"folder/{number:02}")
        vault.put(f"folder/{number:02}.locked", b"%d" % number)

    assert "12 objects look encrypted" in refused(vault, capsys, "--max-vanished", "100%")
    assert vault.deleted() == set()
    vault.back_up("--max-vanished", "100%", "--max-scrambled", "50%")
    assert len(vault.deleted()) == 12


def test_of_few_bytes_nobody_can_tell() -> None:
    assert not is_noise(noise(1, 127))
    assert is_noise(noise(1, 4_096))
    assert not is_noise(text(1)[:4_096])
    assert not is_noise(noise(1).hex().encode()[:4_096])


def test_a_stop_without_a_catalogue_makes_none(vault: Vault) -> None:
    """It would tell of nothing, and be believed: what is deleted would come back."""
    vault.back_up()
    vault.drop("folder/00")
    vault.back_up()
    found = vault.client.list_objects_v2(Bucket=vault.backup_bucket, Prefix=".bucketline/")
    for entry in found["Contents"]:
        vault.client.delete_object(Bucket=vault.backup_bucket, Key=entry["Key"])
    for number in range(_COUNT):
        vault.put(f"folder/{number:02}", b"others by now")

    vault.back_up(code=7)

    found = vault.client.list_objects_v2(Bucket=vault.backup_bucket, Prefix=".bucketline/")
    assert "Contents" not in found
    planned = vault.run("restore", vault.there, str(vault.folder / "back"), "--dry-run")
    keys = {one["key"] for one in planned if one["event"] == "planned"}
    assert keys == vault.keys() - {"folder/00"}
