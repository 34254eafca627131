"""Staged objects: they outlast the process, tell of damage, and are never taken for lost."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path

import pytest

from bucketline.errors import Away, Mismatch, NotFound, Refused, UsageError
from bucketline.flow.drive import blocking as call
from bucketline.model import Attributes
from bucketline.stores.spool import Origin, Spool, load, open_volume
from bucketline.stores.spool.room import Promise
from bucketline.stores.spool.sentinel import SENTINEL
from spools import spool_on

BODY = b"0123456789" * 1000
TOLD = Attributes(headers={"content-type": "text/x"}, metadata={"a": "ü"}, tags={"t": "1"})


def files(home: Path, pattern: str = "*") -> list[Path]:
    """What lies in the spools of all volumes."""
    return sorted(path for path in home.glob(f"*/spool/job/*/{pattern}") if path.is_file())


def in_parts(spool: Spool, key: str, bodies: list[bytes]) -> str:
    """Stage an object in parts; its etag."""
    upload = call(spool.begin(key, sum(map(len, bodies)), attributes=TOLD))
    etags, offset = [], 0
    for number, body in enumerate(bodies, start=1):
        etags.append(call(spool.part(key, upload, number, body, offset=offset)).etag)
        offset += len(body)
    return call(spool.finish(key, upload, etags)).etag


def test_what_is_staged_outlasts_the_process(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    spool.expect("dir/../key", Origin("s3://b/", "from", "etag-1", "v1", 5.0))
    call(spool.write("dir/../key", BODY, attributes=TOLD))
    in_parts(spool, "big", [BODY, BODY, b"end"])
    spool.close()

    again = spool_on(tmp_path, ("a", "b"))

    piece = call(again.read("dir/../key"))
    assert (piece.body, piece.found.attributes) == (BODY, TOLD)
    assert again.index.get("dir/../key").origin_pin == "etag-1"  # type: ignore[union-attr]
    assert call(again.read("big")).body == BODY + BODY + b"end"
    assert call(again.read("big", start=9_990, size=20)).body == (BODY + BODY)[9_990:10_010]
    assert [one.entry.key for one in again.index.all()] == ["dir/../key", "big"]


def test_no_file_bears_a_key(tmp_path: Path) -> None:
    call(spool_on(tmp_path, ("a",)).write("../secret-name", BODY))

    assert files(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if "secret" in path.name]


def test_an_upload_goes_on_after_the_process_died(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    upload = call(spool.begin("big", 2 * len(BODY), attributes=TOLD))
    call(spool.part("big", upload, 2, BODY, offset=len(BODY)))
    spool.close()

    again = spool_on(tmp_path, ("a",))
    [part] = call(again.list_parts("big", upload))
    call(again.part("big", upload, 1, BODY, offset=0))
    etag = md5(BODY).hexdigest()
    call(again.finish("big", upload, [etag, etag]))

    assert (part.number, part.size, part.etag) == (2, len(BODY), etag)
    found = call(again.read("big"))
    assert (found.body, found.found.attributes) == (BODY + BODY, TOLD)
    assert files(tmp_path, "*.begin") == []


def test_an_upload_keeps_its_parts_while_the_volume_of_its_marker_is_away(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    upload = call(spool.begin("big", 4 * len(BODY)))
    for number in range(1, 5):
        spool.shelves.all[number % 2].room.promises["big"] = Promise(1 << 20)  # In turn.
        spool.shelves.all[1 - number % 2].room.promises.pop("big", None)
        call(spool.part("big", upload, number, BODY, offset=(number - 1) * len(BODY)))
    assert {path.parts[-5] for path in files(tmp_path, "*.0000*")} == {"a", "b"}

    for volume in spool.shelves.all:
        volume.is_known = False
        call(load(spool))
        assert [part.number for part in call(spool.list_parts("big", upload))] == [1, 2, 3, 4]


def test_parts_are_found_whichever_volume_comes_first(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    upload = call(spool.begin("big", 2 * len(BODY)))
    for number in (1, 2):
        spool.shelves.all[number % 2].room.promises["big"] = Promise(1 << 20)
        spool.shelves.all[1 - number % 2].room.promises.pop("big", None)
        call(spool.part("big", upload, number, BODY, offset=(number - 1) * len(BODY)))
    spool.close()

    for first in ("a", "b"):
        volumes = [open_volume(tmp_path / name, "job") for name in ("a", "b")]
        again = Spool(volumes)
        other = again.shelves.all[first == "a"]
        other.reason, looked = "away", other.look
        other.look = lambda **_: False  # type: ignore[method-assign]
        call(load(again))
        other.reason, other.look = "", looked  # type: ignore[method-assign]
        call(load(again))
        assert [part.number for part in call(again.list_parts("big", upload))] == [1, 2]
        again.close()


def test_a_part_that_comes_again_replaces_the_one_before(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    upload = call(spool.begin("big", 3))
    call(spool.part("big", upload, 1, b"old", offset=0))
    etag = call(spool.part("big", upload, 1, b"new", offset=0)).etag

    call(spool.finish("big", upload, [etag]))

    assert call(spool.read("big")).body == b"new"
    assert len(files(tmp_path, "*.00001.*")) == 1


def test_a_flipped_byte_never_goes_out(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    in_parts(spool, "big", [BODY, BODY])
    victim = files(tmp_path, "*.00002.*")[0]
    damaged = bytearray(victim.read_bytes())
    damaged[77] ^= 1
    victim.write_bytes(damaged)

    assert call(spool.read("big", start=0, size=len(BODY))).body == BODY
    with pytest.raises(Mismatch, match="changed on the volume"):
        call(spool.read("big", start=len(BODY) + 5, size=3))
    with pytest.raises(Mismatch):
        call(spool.read("big"))


def test_a_damaged_sidecar_is_told_and_its_parts_are_kept(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    call(spool.write("key", BODY))
    spool.close()
    [sidecar] = files(tmp_path, "*.json")
    sidecar.write_bytes(sidecar.read_bytes()[:-20])

    found = call(load(Spool([open_volume(tmp_path / "a", "job")])))

    assert len(found.damaged) == 1
    assert len(files(tmp_path, "*.00001.*")) == 1


def test_what_belongs_to_nothing_is_swept(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    call(spool.write("key", BODY))
    [sidecar] = files(tmp_path, "*.json")
    sidecar.unlink()
    spool.close()

    spool_on(tmp_path, ("a",))

    assert files(tmp_path) == []


def test_deleted_is_gone_from_the_disk(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    in_parts(spool, "big", [BODY, BODY])
    call(spool.write("key", BODY))

    for key in ("big", "key", "key"):
        call(spool.delete(key))

    assert files(tmp_path) == []
    assert spool.index.size == 0
    assert [one.staged for one in spool.shelves.states] == [0, 0]


def test_a_volume_that_is_away_hides_nothing(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    for number in range(8):
        call(spool.write(f"key-{number}", BODY))
    name = spool.shelves.all[0].identity
    spool.close()
    (tmp_path / "a").rename(tmp_path / "unplugged")
    (tmp_path / "a").mkdir()

    volumes = [
        open_volume(tmp_path / "a", "job", identity=name),
        open_volume(tmp_path / "b", "job"),
    ]
    again = Spool(volumes)
    call(load(again))

    assert "is it mounted" in again.shelves.all[0].reason
    with pytest.raises(Away):
        call(again.page())
    with pytest.raises(Away):
        call(again.stat("never-staged"))
    call(again.write("new", BODY))
    assert not (tmp_path / "a" / "spool").exists()

    (tmp_path / "a").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "a")
    assert again.shelves.all[0].look(at_once=True)
    call(load(again))

    assert len(call(again.page()).entries) == 9
    with pytest.raises(NotFound):
        call(again.stat("never-staged"))


def test_another_volume_in_its_place_is_not_taken_for_it(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    spool.close()

    volume = open_volume(tmp_path / "a", "job", identity=spool.shelves.all[1].identity)

    assert not volume.is_usable
    assert "another volume" in volume.reason


def test_a_second_relay_is_refused(tmp_path: Path) -> None:
    first = spool_on(tmp_path, ("a",))

    with pytest.raises(Refused, match="another relay uses this volume"):
        open_volume(tmp_path / "a", "job")

    first.close()
    assert open_volume(tmp_path / "a", "job").is_usable


def test_a_folder_that_is_not_there_is_no_volume(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        open_volume(tmp_path / "missing", "job")


@pytest.mark.parametrize("text", ["", "{", '{"v": 1}', "[]"])
def test_a_damaged_sentinel_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / SENTINEL).write_text(text)

    with pytest.raises(Refused, match="is damaged"):
        open_volume(tmp_path, "job")


def test_a_volume_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / SENTINEL).write_text('{"v": 2, "volume": "x"}')

    with pytest.raises(Refused, match="newer bucketline"):
        open_volume(tmp_path, "job")
