"""What one side has and the other cannot hold: told by name, failed, and the rest is done."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bucketline.cli import main
from desk import Desk
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def desk_on_moto(tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A server that holds every key."""
    return Desk(tmp_path, moto, capsys)


def odd_folder(desk: Desk) -> None:
    """One file that can be an object, and five things that cannot."""
    desk.file("good", b"good")
    desk.file("sub/good", b"good")
    (desk.here / "outside").write_bytes(b"not ours")
    (desk.folder / "out").symlink_to(desk.here / "outside")
    os.mkfifo(desk.folder / "sub" / "pipe")
    root = bytes(desk.folder)
    Path(os.fsdecode(root + b"/caf\xe9\x1b[2J")).write_bytes(b"latin")
    Path(os.fsdecode(root + b"/d\xff")).mkdir()
    (desk.folder / "up").symlink_to("sub")


ODD = ["caf\\xe9\\x1b[2J", "d\\xff/", "out", "sub/pipe", "up"]


def test_what_can_be_no_object_fails_by_name_each_time(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    odd_folder(desk)
    words = [str(desk.folder), desk.s3]
    *fates, told = desk.run("sync", *words, code=1)

    failed = {one["key"]: one for one in fates if one["fate"] == "failed"}
    assert sorted(failed) == ODD
    assert {one["cause"] for one in failed.values()} == {"Unholdable"}
    assert "out of the folder" in failed["out"]["message"]
    assert (told["listed"], told["done"], told["failed"]) == (7, 2, 5)
    *_, told = desk.run("sync", *words, code=1)
    assert (told["listed"], told["skipped"], told["failed"]) == (7, 2, 5)

    assert main(["runs", "errors", "last"]) == 0
    out = capsys.readouterr().out
    assert "Unholdable" in out
    assert "rename it" in out
    assert "\x1b[2J" not in out
    found = str(desk.here / "found.jsonl")
    assert main(["runs", "errors", "last", "-o", found, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["keys"] == 5
    assert main(["sync", *words, "--endpoint-url", desk.url]) == 1
    err = capsys.readouterr().err
    assert "caf\\xe9\\x1b[2J: no object's key can stand for it: it is not text" in err


def test_what_is_excluded_is_not_missed(desk: Desk) -> None:
    odd_folder(desk)
    words = [str(desk.folder), desk.s3]
    for name in ("caf*", "d*/", "out", "sub/pipe", "up"):
        words += ["--exclude", name]

    assert desk.run("sync", *words)[-1]["failed"] == 0
    assert desk.run("check", *words)[-1]["unknown"] == 0


def test_what_lies_beside_the_prefix_is_nobodys_business(desk: Desk) -> None:
    odd_folder(desk)
    *fates, told = desk.run("sync", f"{desk.folder}/sub/", desk.s3, code=1)

    assert [one["key"] for one in fates if one["fate"] == "failed"] == ["pipe"]
    assert told["listed"] == 2


def test_an_object_is_not_deleted_for_a_file_that_cannot_be_read(desk: Desk) -> None:
    desk.file("out", b"was a file")
    desk.file("good", b"good")
    words = [str(desk.folder), desk.s3, "--delete"]
    desk.sync(*words)
    (desk.folder / "out").unlink()
    (desk.folder / "out").symlink_to(desk.here / "outside")
    (desk.here / "outside").write_bytes(b"not ours")

    *_, told = desk.run("sync", *words, code=1)
    assert (told["failed"], told["waiting"]) == (1, 1)
    assert desk.body("out") == b"was a file"


def test_a_dry_run_tells_what_will_fail(desk: Desk) -> None:
    odd_folder(desk)
    *steps, told = desk.run("sync", "-n", str(desk.folder), desk.s3)

    refused = {one["key"]: one["message"] for one in steps if one["reason"] == "refused"}
    assert sorted(refused) == ODD
    assert (told["copies"], told["refused"]) == (2, 5)


@pytest.mark.parametrize("odd", ["source", "target"])
def test_a_check_marks_it_on_either_side(desk: Desk, odd: str) -> None:
    desk.object("good", b"good")
    desk.object("sub/good", b"good")
    odd_folder(desk)
    words = [str(desk.folder), desk.s3]
    *lines, told = desk.run("check", *(words if odd == "source" else words[::-1]), code=1)

    assert [line["key"] for line in lines if line["symbol"] == "!"] == ODD
    assert (told["equal"], told["unknown"]) == (2, 5)
    assert desk.run("ls", str(desk.folder))[0]["key"] == "good"


def test_keys_that_a_folder_cannot_hold_fail_by_name_and_the_others_come(
    desk_on_moto: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_on_moto
    for key in ("a", "a/b", "x//y", "../x", "./y", "z/", "n" * 300, "good", "other"):
        desk.object(key, key.encode())
    words = [desk.s3, str(desk.folder / "in")]
    *fates, told = desk.run("sync", *words, code=1)

    failed = {one["key"] for one in fates if one["fate"] == "failed"}
    either = failed & {"a", "a/b"}
    assert len(either) == 1
    assert failed - either == {"x//y", "../x", "./y", "z/", "n" * 300}
    assert {one["cause"] for one in fates if one["fate"] == "failed"} == {"Unholdable"}
    assert (told["listed"], told["done"], told["failed"]) == (9, 3, 6)
    assert (desk.folder / "in" / "good").read_bytes() == b"good"
    assert not (desk.folder / "x").exists()

    assert main(["runs", "errors", "last"]) == 0
    assert "choose a target that can hold such a key" in capsys.readouterr().out
