"""Folders against a real server: the second sync does nothing, and what changed is found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.ledger.hashes import FILE, Hashes
from desk import Desk

MODES = pytest.mark.parametrize("compare", ["auto", "etag", "checksum"])


pytestmark = pytest.mark.usefixtures("surroundings")


@MODES
def test_a_second_upload_does_nothing(desk: Desk, compare: str) -> None:
    desk.file("a", b"a")
    desk.file("sub/b", b"")
    words = [str(desk.folder), desk.s3, "--compare", compare]

    assert desk.sync(*words)["done"] == 2
    assert desk.calm(*words)


@MODES
def test_a_second_download_does_nothing(desk: Desk, compare: str) -> None:
    desk.object("a", b"a")
    desk.object("sub/b", b"b")
    words = [desk.s3, str(desk.folder), "--compare", compare]

    assert desk.sync(*words)["done"] == 2
    assert desk.calm(*words)


@MODES
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_one_object_is_not_copied_again(desk: Desk, compare: str, up: bool) -> None:
    path = desk.file("k", b"hello")
    if not up:
        path.unlink()
        desk.object("k", b"hello")
    sides = [str(path), f"{desk.s3}k"]
    words = [*(sides if up else sides[::-1]), "--compare", compare]

    assert desk.sync(*words)["done"] == 1
    assert desk.calm(*words)


def test_an_object_in_parts_is_not_copied_again(desk: Desk) -> None:
    desk.file("big", b"0123456789abcdef" * (17 << 16))
    there, back = [str(desk.folder), desk.s3], [desk.s3, str(desk.here / "back")]

    assert desk.sync(*there)["done"] == 1
    assert desk.calm(*there, "--compare", "etag")
    assert desk.sync(*back)["done"] == 1
    assert desk.calm(*back, "--compare", "etag")


def test_a_folder_that_came_from_a_bucket_is_the_same_to_everybody(desk: Desk) -> None:
    """The etags are known to other jobs too: no ledger of theirs could help."""
    desk.object("k", b"hello")
    desk.sync(desk.s3, str(desk.folder))

    assert desk.calm(str(desk.folder), desk.s3, "--compare", "etag")
    assert desk.run("check", str(desk.folder), desk.s3, "--compare", "etag")[-1]["equal"] == 1


@pytest.mark.parametrize("compare", ["auto", "etag"])
@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_an_edit_of_the_same_size_with_its_time_set_back_is_found(
    desk: Desk, compare: str, up: bool
) -> None:
    path = desk.file("k", b"hello")
    words = [str(desk.folder), desk.s3, "--compare", compare]
    desk.sync(*words)
    if not up:
        words = [desk.s3, str(desk.folder), "--compare", compare]
        path.unlink()
        desk.sync(*words)
    before = path.stat()
    path.write_bytes(b"jello")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert desk.sync(*words)["done"] == 1
    assert (desk.body("k"), path.read_bytes()) == ((b"jello",) * 2 if up else (b"hello",) * 2)


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_another_owner_or_mode_moves_nothing(desk: Desk, up: bool) -> None:
    path = desk.file("k", b"hello")
    words = [str(desk.folder), desk.s3]
    desk.sync(*words)
    words = words if up else words[::-1]
    desk.sync(*words)
    path.chmod(0o600)
    os.utime(path)

    assert desk.calm(*words)
    assert desk.calm(*words, "--compare", "etag")


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
@pytest.mark.parametrize("loss", ["gone", "damaged"])
def test_a_lost_hash_memory_moves_nothing(desk: Desk, up: bool, loss: str) -> None:
    words = [str(desk.folder), desk.s3]
    if up:
        desk.file("k", b"hello")
    else:
        desk.object("k", b"hello")
        words.reverse()
    assert desk.sync(*words)["done"] == 1
    (desk.state / FILE).unlink(missing_ok=True)  # A file that was made just now is not in it.
    if loss == "damaged":
        (desk.state / FILE).write_bytes(b"no database" * 1000)

    assert desk.calm(*words)
    assert desk.calm(*words, "--compare", "etag")


def test_a_disk_that_lost_a_bit_is_found_by_reading(desk: Desk) -> None:
    """What is remembered of a file is not what its bytes are: checksum reads them."""
    path = desk.file("k", b"hello")
    desk.sync(str(desk.folder), desk.s3)
    forget, known = desk.state / FILE, path.stat()
    path.write_bytes(b"jello")
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    _pretend(forget, path.stat(), "5d41402abc4b2a76b9719d911017c592")

    words = [str(desk.folder), desk.s3, "--compare"]
    assert desk.run("check", *words, "etag")[-1]["equal"] == 1
    assert desk.run("check", *words, "checksum", code=3)[-1]["differs"] == 1


def _pretend(path: Path, file: os.stat_result, etag: str) -> None:
    with Hashes(path, SystemClock()) as memory:
        memory.remember(file, etag)
