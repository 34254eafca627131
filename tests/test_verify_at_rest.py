"""Damage at rest on a server that keeps the old etag: found by reading, told, and repaired."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import processes
from bucketline.cli import main
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from desk import Desk
from faults.kinds import flip_answer
from faults.proxy import FaultProxy
from servers import ACCESS_KEY, SECRET_KEY, Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
BIG = bytes(range(256)) * (17 << 12)  # 17 MiB: in parts.


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where the server's bytes lie."""
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(tmp_path: Path, disk: Path) -> Iterator[Endpoint]:
    port = processes.free_port()
    address, keys = f"--addr=127.0.0.1:{port}", f"--auth-key={ACCESS_KEY},{SECRET_KEY}"
    pid = processes.spawn(["rclone", "serve", "s3", str(disk), address, keys], tmp_path)
    processes.await_port(port, pid, tmp_path / "rclone.log")
    yield Endpoint(f"http://127.0.0.1:{port}")
    processes.kill([pid])


@pytest.fixture
def here(tmp_path: Path, kept: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Files that a sync has brought to the server."""
    desk = Desk(tmp_path, kept, capsys)
    os.chdir(tmp_path)
    for number in range(6):
        desk.file(f"k{number}", b"body %d" % number)
    desk.file("big", BIG)
    desk.sync("folder", desk.s3)
    assert len(desk.run("ls", desk.s3)) == 7  # It has told the etags, and stays with them.
    return desk


def spoil(file: Path) -> None:
    """As a disk does it: another byte, and no new time."""
    status, place = file.stat(), file.stat().st_size // 2
    with file.open("r+b") as body:
        body.seek(place)
        byte = body.read(1)[0]
        body.seek(place)
        body.write(bytes([byte ^ 1]))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_damage_at_rest_is_found_and_repaired_although_the_etag_hides_it(
    here: Desk, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(disk / here.bucket / "k3")
    spoil(disk / here.bucket / "big")
    assert here.run("check", "folder", here.s3, "--compare", "etag")[-1]["differs"] == 0
    *_, told = here.run("verify", here.s3, "--method", "checksum", code=1)
    # Of what was sent in parts this server has no etag that tells: so nothing is said of it.
    assert (told["verified"], told["damaged"], told["unreadable"]) == (6, 0, 1)

    *_, found = here.run("verify", here.s3, code=3)
    assert (found["damaged"], found["verified"], found["listed"]) == (2, 5, 7)
    assert main(["runs", "errors", "last", "-o", "findings"]) == 0
    findings = [json.loads(line) for line in Path("findings").read_text().splitlines()]
    assert sorted((one["key"], one["cause"]) for one in findings) == [
        ("big", "Damaged"),
        ("k3", "Damaged"),
    ]
    capsys.readouterr()
    repair = ("folder", here.s3, "--only", "findings", "--compare", "checksum")
    assert (here.sync(*repair)["done"], here.sync(*repair)["done"]) == (2, 0)

    assert here.run("verify", here.s3)[-1]["verified"] == 7
    assert here.body("big") == BIG


@pytest.fixture
def other(here: Desk) -> S3Store:
    """One more bucket, with the same objects and etags."""
    store = S3Store(here.store.remote, f"{here.bucket}-2", clock=SystemClock())
    blocking(store.create_bucket())
    here.sync(here.s3, f"s3://{store.bucket}/")
    return store


def test_comparing_checksums_is_enough_to_find_and_repair_what_an_old_etag_hides(
    here: Desk, disk: Path, other: S3Store
) -> None:
    words = (here.s3, f"s3://{other.bucket}/", "--compare")
    assert here.sync(*words, "checksum")["done"] == 0
    spoil(disk / other.bucket / "k3")
    spoil(disk / other.bucket / "big")
    assert here.sync(*words, "etag")["done"] == 0
    assert here.run("check", *words, "checksum", code=3)[-1]["differs"] == 2

    assert here.sync(*words, "checksum")["done"] == 2
    assert here.run("check", *words, "bytes")[-1]["equal"] == 7
    assert here.sync(*words, "checksum")["done"] == 0


def test_a_source_that_rotted_never_replaces_the_copy_that_did_not(
    here: Desk, disk: Path, other: S3Store
) -> None:
    spoil(disk / here.bucket / "k3")
    words = (here.s3, f"s3://{other.bucket}/", "--compare")
    assert here.sync(*words, "checksum")["done"] == 0
    assert here.run("sync", *words, "bytes", code=1)[-1]["failed"] == 1
    assert blocking(other.read("k3")).body == b"body 3"


def test_a_file_that_rotted_in_a_folder_is_written_again(here: Desk) -> None:
    here.sync(here.s3, "copy")
    spoil(here.here / "copy" / "k3")
    spoil(here.here / "copy" / "big")
    assert here.sync(here.s3, "copy", "--compare", "checksum")["done"] == 2
    assert here.sync(here.s3, "copy", "--compare", "checksum")["done"] == 0
    assert (here.here / "copy" / "big").read_bytes() == BIG


def test_all_bytes_are_compared_on_demand(here: Desk, disk: Path) -> None:
    spoil(disk / here.bucket / "k3")
    assert here.run("check", "folder", here.s3, "--compare", "bytes", code=3)[-1]["differs"] == 1
    assert here.sync("folder", here.s3, "--compare", "bytes")["done"] == 1
    assert here.run("check", "folder", here.s3, "--compare", "bytes")[-1]["equal"] == 7


def test_a_proof_held_against_the_server_finds_damage_by_reading(
    here: Desk, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["proof", "save", "last", "-o", "p"]) == 0
    spoil(disk / here.bucket / "big")
    words = ["proof", "check", "p", "--against", here.s3, "--endpoint-url", here.url]
    assert main(words) == 0
    capsys.readouterr()
    assert main([*words, "--read"]) == 3
    assert "\n* big  (its md5" in capsys.readouterr().out


@pytest.mark.parametrize(("times", "cause"), [(1, ""), (0, "Damaged")])
def test_bytes_that_a_network_damages_once_are_no_damage(
    here: Desk, kept: Endpoint, times: int, cause: str
) -> None:
    with FaultProxy(kept.url) as proxy:
        proxy.add(flip_answer, method="GET", path=f"/{here.bucket}/k3", times=times)
        here.url = proxy.url
        *lines, found = here.run("verify", "last", code=3 if cause else 0)
    assert (found["verified"], found["damaged"]) == (6, 1) if cause else (7, 0)
    assert {line["key"]: line["cause"] for line in lines if "cause" in line} == (
        {"k3": cause} if cause else {}
    )
