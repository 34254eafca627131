"""`volumes reset` empties spools, shows first what is in them, and touches nothing else."""

from __future__ import annotations

import json
from contextlib import closing
from hashlib import md5
from pathlib import Path

import pytest

import disks
from bucketline.cli import main
from bucketline.flow.drive import blocking
from bucketline.stores.spool import open_volume
from bucketline.stores.spool.sentinel import read_sentinel, write_sentinel
from spools import spool_on


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """With three objects of a relay, and a file that is none of its business."""
    with closing(spool_on(tmp_path, ["one"])) as spool:
        for number in range(3):
            blocking(spool.write(f"key {number}", b"body", md5=md5(b"body").digest()))
    (tmp_path / "one" / "mine.txt").write_text("precious")
    return tmp_path / "one"


class Desk:
    """Where the command is given."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def reset(self, *words: str | Path, code: int = 0) -> tuple[str, str]:
        """What it prints, and what it complains of."""
        self._capsys.readouterr()
        ended = main(["volumes", "reset", *map(str, words)])
        told = self._capsys.readouterr()
        assert ended == code, told
        return told.out, told.err


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(capsys)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_shows_what_is_staged_and_removes_nothing(volume: Path, desk: Desk) -> None:
    before = files(volume)
    out, err = desk.reset(volume, code=7)

    assert f"{volume}: 3 objects" in out
    assert "--discard-staged 3-objects" in err
    assert files(volume) == before


@pytest.mark.parametrize("said", ["2-objects", "3", "all", "03-objects", "3 objects"])
def test_another_number_is_none(said: str, volume: Path, desk: Desk) -> None:
    before = files(volume)
    desk.reset(volume, "--discard-staged", said, code=7)

    assert files(volume) == before


def test_with_the_number_the_spool_goes_and_nothing_else(volume: Path, desk: Desk) -> None:
    name = read_sentinel(volume)
    desk.reset(volume, "--discard-staged", "3-objects")

    assert files(volume) == {"mine.txt", ".bucketline-volume.json"}
    assert read_sentinel(volume) == name


def test_a_relay_goes_on_with_an_emptied_volume(volume: Path, desk: Desk) -> None:
    desk.reset(volume, "--discard-staged", "3-objects")

    with closing(spool_on(volume.parent, ["one"])) as spool:
        assert len(spool.index) == 0
        blocking(spool.write("key", b"body"))
        assert len(spool.index) == 1


def test_an_empty_one_needs_no_number(tmp_path: Path, desk: Desk) -> None:
    write_sentinel(tmp_path)

    assert "0 objects" in desk.reset(tmp_path)[0]


def test_a_dry_run_only_says(volume: Path, desk: Desk) -> None:
    before = files(volume)
    out, _ = desk.reset(volume, "--dry-run", "--json")

    told = [json.loads(line) for line in out.splitlines()]
    assert told[-1] == {"event": "reset", "staged": 3, "removed": False}
    assert files(volume) == before


def test_parts_without_a_sidecar_count(volume: Path, desk: Desk) -> None:
    """Their sidecar may be on another volume."""
    for sidecar in volume.glob("spool/*/*/*.json"):
        sidecar.unlink()

    assert "3-objects" in desk.reset(volume, code=7)[1]


def test_an_object_on_two_volumes_is_one(tmp_path: Path, volume: Path, desk: Desk) -> None:
    other = tmp_path / "two"
    other.mkdir()
    write_sentinel(other)
    for path in volume.glob("spool/*/*/*"):
        twin = other / path.relative_to(volume)
        twin.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".json":
            path.rename(twin)
    desk.reset(volume, other, "--discard-staged", "3-objects")

    assert files(other) == {".bucketline-volume.json"}


def test_a_relay_at_work_is_left_alone(volume: Path, desk: Desk) -> None:
    with closing(open_volume(volume, "job")):
        before = files(volume)
        _, err = desk.reset(volume, "--discard-staged", "3-objects", code=7)

        assert "another relay uses this volume" in err
        assert files(volume) == before


def test_a_folder_without_a_sentinel_is_no_volume(volume: Path, desk: Desk) -> None:
    (volume / ".bucketline-volume.json").unlink()
    before = files(volume)

    assert "is no volume" in desk.reset(volume, "--discard-staged", "3-objects", code=7)[1]
    assert files(volume) == before


def test_one_that_is_no_volume_of_two_and_neither_is_touched(
    tmp_path: Path, volume: Path, desk: Desk
) -> None:
    (tmp_path / "plain").mkdir()
    before = files(volume)
    desk.reset(volume, tmp_path / "plain", "--discard-staged", "3-objects", code=7)

    assert files(volume) == before


def test_a_strangers_file_in_the_spool(volume: Path, desk: Desk) -> None:
    (stranger := volume / "spool" / "thesis.doc").write_text("precious")
    before = files(volume)

    assert str(stranger) in desk.reset(volume, "--discard-staged", "3-objects", code=7)[1]
    assert files(volume) == before


@pytest.mark.parametrize("place", ["spool", "spool/job/aa", "spool/other"])
def test_a_link_leads_nowhere(place: str, tmp_path: Path, volume: Path, desk: Desk) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("precious")
    if place == "spool":
        (volume / "spool").rename(volume / "was")
    (volume / place).symlink_to(elsewhere)
    desk.reset(volume, "--discard-staged", "3-objects", code=7)

    assert (elsewhere / "file").read_text() == "precious"


@disks.needs_root
def test_another_disk_in_the_spool(tmp_path: Path, volume: Path, desk: Desk) -> None:
    with disks.tmpfs(volume / "spool" / "job" / "mounted", 1) as inside:
        assert "leads elsewhere" in desk.reset(volume, "--discard-staged", "3-objects", code=7)[1]
        assert inside.is_mount()


def test_no_such_folder(tmp_path: Path, desk: Desk) -> None:
    assert "is no volume" in desk.reset(tmp_path / "none", code=7)[1]
