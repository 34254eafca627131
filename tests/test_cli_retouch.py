"""Attributes alone at the command line: looked at, brought over, and then calm."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from desk import Desk
from servers import Endpoint, Park
from test_cli_attributes import RICH, across, put, sync, there

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def far(tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A bucket of a server that keeps nearly all."""
    (tmp_path / "far").mkdir()
    return Desk(tmp_path / "far", moto, capsys)


def touched(far: Desk, near: Desk) -> None:
    """The same bytes on both sides, and other attributes at the source."""
    for key in ("a", "b"):
        put(far, key)
        put(near, key, Attributes({"content-type": "text/x-old"}))
    put(far, "missing")


@pytest.mark.parametrize("name", ["moto", "ministack"])
def test_attributes_alone_are_looked_at_brought_over_and_then_calm(
    name: str, tmp_path: Path, park: Park, far: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    near = Desk(tmp_path, park.endpoint(name), capsys)
    touched(far, near)
    words = [*across(far, near), "--metadata-only"]

    out, err = sync(*words, "--dry-run", capsys=capsys)
    changed = "cache-control, content-type, expires, metadata, tags"
    assert f"update a ({changed})\nupdate b ({changed})\n" in out
    assert "would copy 0 (0 B), delete 0, update 2, skip 1" in out
    assert there(near, "a").headers["content-type"] == "text/x-old"

    out, err = sync(*words, capsys=capsys)
    assert "listed 3 = skipped 1 + done 2 + failed 0 + waiting 0 · 0 B" in out
    assert "1 left alone: other bytes, or none, at the target" in err
    for key in ("a", "b"):
        found = there(near, key)
        assert {name: found.headers.get(name) for name in RICH.headers} == RICH.headers
        assert found.metadata == RICH.metadata
        assert blocking(near.store.tags(key)) == RICH.tags
        assert near.body(key) == b"bytes"
    assert [e.key for e in blocking(near.store.page()).entries] == ["a", "b"]

    out, _ = sync(*words, capsys=capsys)
    assert "skipped 3 + done 0" in out
    out, _ = sync(*across(far, near), capsys=capsys)  # And a usual sync copies what is missing.
    assert "skipped 2 + done 1" in out


def test_attributes_come_to_files_and_back_without_their_bytes(far: Desk) -> None:
    put(far, "a.txt")
    words = [far.s3, str(far.folder)]
    far.sync(*words)
    put(far, "a.txt", Attributes({"content-type": "text/html"}, {"mtime": "1500000000.25"}))
    inode = (far.folder / "a.txt").stat().st_ino

    [*_, told] = far.run("sync", *words, "--metadata-only")
    assert (told["done"], told["bytes"], told["requests"].get("GET")) == (1, 0, None)

    assert (far.folder / "a.txt").stat().st_mtime == 1500000000.25
    assert (far.folder / "a.txt").stat().st_ino == inode
    assert far.calm(*words)
    assert far.sync(*words, "--metadata-only")["done"] == 0
    put(far, "a.txt", Attributes({"content-type": "text/x-lost"}))
    back = [str(far.folder), far.s3, "--metadata-only"]
    assert far.sync(*back)["done"] == 1
    assert there(far, "a.txt").headers["content-type"] == "text/html"
    assert there(far, "a.txt").metadata["mtime"] == "1500000000.250000000"
    assert far.sync(*back)["done"] == 0


def test_a_server_that_drops_attributes_is_told_of_updates_too(
    desk: Desk, far: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    touched(far, desk)

    _, err = sync(*across(far, desk), "--metadata-only", capsys=capsys)

    assert "2 copied without expires, which the target does not keep" in err
    assert there(desk, "a").headers["content-type"] == "text/x-own"
    assert desk.body("a") == b"bytes"


def test_attributes_alone_delete_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    words = [str(tmp_path / "a"), str(tmp_path / "b"), "--metadata-only", "--delete"]

    _, err = sync(*words, capsys=capsys, code=2)

    assert "--metadata-only deletes nothing" in err
