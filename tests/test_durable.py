"""Files that are whole or as they were, whatever happens while they are written."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bucketline.durable import expect_room, replace_file, whole_file
from bucketline.errors import DiskError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _break_off(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"new")
        raise KeyError


def test_what_breaks_off_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, "old")

    with pytest.raises(KeyError):
        _break_off(path)

    assert (path.read_text(), names(tmp_path)) == ("old", ["file"])


def test_its_mode_is_what_was_said_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        replace_file(tmp_path / "ours", "secret")
        replace_file(tmp_path / "all", "open", 0o644)
    finally:
        os.umask(before)

    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "all")]
    assert modes == [0o600, 0o644]


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DiskError, match=r"file/below: cannot be written .*; check its folder"):
        replace_file(tmp_path / "file" / "below", "text")


def _dies_writing(path: Path) -> list[str]:
    """Names that are there then."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from bucketline.durable import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'secret')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    return names(path.parent)


def test_what_a_killed_program_left_goes_with_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    left = _dies_writing(path)

    replace_file(path, "new")

    assert len(left) == 1
    assert (path.read_text(), names(tmp_path)) == ("new", ["file"])


def test_what_another_program_is_at_stays(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from bucketline.durable import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as file:\n"
        "    print('begun', flush=True)\n"
        "    file.write(sys.stdin.buffer.read())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "theirs")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == b"begun\n"
        replace_file(tmp_path / "ours", "new")
        other.communicate(b"whole")

    assert (tmp_path / "theirs").read_bytes() == b"whole"
    assert sorted(names(tmp_path)) == ["ours", "theirs"]


def test_a_name_may_be_as_long_as_names_get(tmp_path: Path) -> None:
    path = tmp_path / ("\u65e5" * 85)  # Three bytes each.
    left = _dies_writing(path)

    replace_file(path, "new")

    assert (len(left), names(tmp_path)) == (1, [path.name])


def test_two_who_write_at_once_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with whole_file(path) as file:
        file.write(b"ours")
        other = threading.Thread(target=replace_file, args=(path, "theirs"))
        other.start()
        other.join()
        assert path.read_text() == "theirs"

    assert (path.read_text(), names(tmp_path)) == ("ours", ["file"])


def test_a_name_that_is_too_long_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match=r"cannot be written \(File name too long\)"):
        replace_file(tmp_path / ("x" * 300), "text")

    assert names(tmp_path) == []


def test_where_nothing_can_be_written_shows_before_there_is_anything(tmp_path: Path) -> None:
    expect_room(tmp_path / "file")
    assert names(tmp_path) == []

    with pytest.raises(DiskError, match=r"away/file: cannot be written .*; check its folder"):
        expect_room(tmp_path / "away" / "file")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DiskError, match="it is no file"):
        expect_room(tmp_path / "pipe")


def test_what_is_no_file_keeps_its_name(tmp_path: Path) -> None:
    """As root, a file put in its place would have taken /dev/null from the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DiskError, match="no file"), whole_file(pipe) as file:
        file.write(b"x")
    assert pipe.is_fifo()
