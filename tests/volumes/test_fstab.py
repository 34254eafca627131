"""The table of file systems: one line more, and every other byte as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import disks
import loops
from bucketline.engines.volumes.fstab import (
    add_line,
    added,
    check_readable,
    has_line,
    line_of,
)
from bucketline.engines.volumes.plan import Identity, Item
from bucketline.errors import DiskError, Refused

IDENTITY = Identity(1 << 40, "", "", "", "/dev/sdb", "8:16", "9")
UUID = "11a33cd9-28e7-42c2-ac21-9f12605ca2af"
ITEM = Item(IDENTITY, "d", "p", UUID, "/srv/bucketline/vol-11a33cd9")
LINE = line_of(ITEM, "ext4")


@given(st.binary(max_size=300))
def test_whatever_stands_there_stays(table: bytes) -> None:
    new = added(table, LINE)

    assert new.startswith(table)
    assert new[len(table) :].strip(b"\n") == LINE.encode()
    assert added(new, LINE) == new


@pytest.mark.parametrize(
    "table",
    [b"", b"\n", b"# only\r\n/dev/a\t/a ext4 ro 0 1\r\n", b"/dev/a /a ext4", b"\xff\xfe\x00"],
)
def test_tables_of_all_kinds(table: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fstab"
    path.write_bytes(table)
    add_line(path, LINE)

    assert path.read_bytes() == added(table, LINE)
    assert has_line(path, LINE)
    assert (tmp_path / "fstab.bucketline-old").read_bytes() == table


def test_there_is_none_yet(tmp_path: Path) -> None:
    add_line(tmp_path / "fstab", LINE)

    assert (tmp_path / "fstab").read_text() == LINE + "\n"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (f"# x\nUUID={UUID} /other ext4 ro 0 0\n", "line 2 has another entry of"),
        (f"/dev/sdc {ITEM.folder} ext4\n", "line 1 has another entry for"),
    ],
)
def test_what_would_mean_two_things_is_refused(table: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "fstab"
    path.write_text(table)
    with pytest.raises(Refused, match=said):
        add_line(path, LINE)

    assert path.read_text() == table


def test_a_comment_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "fstab"
    path.write_text(f"#UUID={UUID} {ITEM.folder} ext4 ro 0 0\n # {LINE}\n")
    add_line(path, LINE)

    assert has_line(path, LINE)


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"# x\n")
    (tmp_path / "fstab").symlink_to("real")
    add_line(tmp_path / "fstab", LINE)

    assert (tmp_path / "fstab").is_symlink()
    assert has_line(tmp_path / "real", LINE)


@pytest.mark.parametrize("letter", [" ", "\t", "\n", "\\", "#", "ü"])
def test_a_folder_of_any_name_is_read_as_it_is(letter: str, tmp_path: Path) -> None:
    folder = f"/srv/a{letter}b/vol-1"
    line = line_of(Item(IDENTITY, "d", "p", UUID, folder), "xfs")
    add_line(tmp_path / "fstab", line)
    told = disks.run("findmnt", "--tab-file", f"{tmp_path}/fstab", "-n", "--json", "-o", "TARGET")

    assert len(line.split()) == 6
    if letter not in "\n\t":
        assert folder.replace("\\", "\\\\") in told


@loops.needs_loops
def test_a_full_disk_leaves_the_old_one(tmp_path: Path) -> None:
    with disks.tmpfs(tmp_path / "full", 1) as folder:
        path = folder / "fstab"
        path.write_bytes(b"# mine\n")
        with pytest.raises(OSError, match="No space"):
            (folder / "fill").write_bytes(bytes(2 << 20))
        with pytest.raises(DiskError, match="cannot be written"):
            add_line(path, LINE)

        assert path.read_bytes() == b"# mine\n"
        assert not (folder / "fstab.bucketline-new").exists()


def test_a_line_that_others_do_not_find_is_refused(tmp_path: Path) -> None:
    draft = tmp_path / "fstab"
    draft.write_text(f"# {LINE}\n/dev/a /a ext4\n")
    with pytest.raises(Refused, match="does not find the new line"):
        check_readable(draft, LINE)
