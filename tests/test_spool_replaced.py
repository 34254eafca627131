"""What a newer copy replaces never comes back, and what a crash left unproven goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.flow.drive import blocking as call
from bucketline.stores.spool import Origin, Spool, load, open_volume
from bucketline.stores.spool.room import Promise
from spools import spool_on

OLD, NEW = b"old" * 1000, b"new" * 1000


def files(home: Path) -> list[Path]:
    return [path for path in home.glob("*/spool/job/*/*") if path.is_file()]


def write_on(spool: Spool, number: int, key: str, body: bytes) -> None:
    """On that volume."""
    for other, volume in enumerate(spool.shelves.all):
        volume.room.promises.pop(key, None)
        if other == number:
            volume.room.promises[key] = Promise(1 << 20)
    call(spool.write(key, body))


def test_a_copy_on_another_volume_goes_with_what_replaces_it(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a", "b"))
    write_on(spool, 0, "key", OLD)
    write_on(spool, 1, "key", NEW)

    assert {path.parts[-5] for path in files(tmp_path)} == {"b"}
    call(spool.delete("key"))
    spool.close()
    assert len(spool_on(tmp_path, ("a", "b")).index) == 0


def test_of_two_copies_the_newer_counts_whichever_volume_is_read_first(tmp_path: Path) -> None:
    for first, other in (("a", "b"), ("c", "d")):
        one = spool_on(tmp_path, (first,))
        call(one.write("key", OLD))
        one.close()
        late = spool_on(tmp_path, (other,))  # As if a crash had come before the older one went.
        call(late.write("key", NEW))
        late.close()
        volumes = sorted((first, other), reverse=first == "c")

        spool = Spool([open_volume(tmp_path / name, "job") for name in volumes])
        call(load(spool))

        assert call(spool.read("key")).body == NEW
        call(spool.delete("key"))
        spool.close()
        assert len(spool_on(tmp_path, volumes).index) == 0
        assert files(tmp_path) == []


def test_an_unproven_upload_that_a_crash_left_is_swept(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    spool.expect("key", Origin("s3://b/", "key", "etag", is_unproven=True))
    upload = call(spool.begin("key", len(OLD)))
    call(spool.part("key", upload, 1, OLD, offset=0))
    spool.close()

    again = spool_on(tmp_path, ("a",))

    assert call(again.list_uploads()) == []
    assert files(tmp_path) == []


@pytest.mark.parametrize("volumes", [("a",), ("a", "b")])
def test_the_marker_of_an_upload_that_became_an_object_goes(
    tmp_path: Path, volumes: tuple[str, ...]
) -> None:
    spool = spool_on(tmp_path, volumes)
    upload = call(spool.begin("key", len(OLD)))
    [marker] = files(tmp_path)
    told = marker.read_bytes()
    etag = call(spool.part("key", upload, 1, OLD, offset=0)).etag
    call(spool.finish("key", upload, [etag]))
    marker.write_bytes(told)  # As it is, when a crash comes before it is removed.
    spool.close()

    again = spool_on(tmp_path, volumes)

    assert call(again.list_uploads()) == []
    assert not marker.exists()
    assert call(again.read("key")).body == OLD
    call(again.delete("key"))
    assert files(tmp_path) == []
