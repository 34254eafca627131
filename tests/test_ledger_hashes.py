"""What is remembered of files: by whom, for how long, and what trouble with it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Thread

import apsw
import pytest

from bucketline.clock import FakeClock
from bucketline.flow.ledger.hashes import FILE, Hashes

MD5 = "5d41402abc4b2a76b9719d911017c592"
DAY = 86_400


def hashes(folder: Path, clock: FakeClock | None = None) -> Hashes:
    return Hashes.of(folder, clock or FakeClock())


def file(folder: Path, name: str = "k", body: str = "hello") -> os.stat_result:
    (folder / name).write_text(body)
    return (folder / name).stat()


def told(folder: Path, one: os.stat_result, clock: FakeClock | None = None) -> str:
    with hashes(folder, clock) as memory:
        return memory.lookup([one])[0]


def test_what_is_remembered_outlives_the_process(tmp_path: Path) -> None:
    one, other = file(tmp_path), file(tmp_path, "other")
    with hashes(tmp_path) as memory:
        memory.remember(one, MD5)
        assert memory.lookup([other, one]) == ["", MD5]

    with hashes(tmp_path) as memory:
        assert memory.lookup([other, one]) == ["", MD5]
        memory.remember(one, f"{MD5}-3")
        assert memory.lookup([one]) == [f"{MD5}-3"]


def test_a_file_that_changed_in_any_way_is_another(tmp_path: Path) -> None:
    one = file(tmp_path)
    with hashes(tmp_path) as memory:
        memory.remember(one, MD5)
    (tmp_path / "k").write_text("other")
    os.utime(tmp_path / "k", ns=(one.st_atime_ns, one.st_mtime_ns))
    edited = (tmp_path / "k").stat()

    assert (edited.st_size, edited.st_mtime_ns) == (one.st_size, one.st_mtime_ns)
    assert told(tmp_path, edited) == ""
    assert told(tmp_path, file(tmp_path, body="longer")) == ""


def test_times_and_inodes_beyond_what_sqlite_holds_are_kept(tmp_path: Path) -> None:
    huge = (0o100644, (1 << 64) - 5, 1 << 63, 1, 0, 0, 5, 0, 0, 0)
    one = os.stat_result(huge, {"st_mtime_ns": -(10**18), "st_ctime_ns": 1 << 63})
    with hashes(tmp_path) as memory:
        memory.remember(one, MD5)

    assert told(tmp_path, one) == MD5


def test_nothing_is_made_for_who_only_looks(tmp_path: Path) -> None:
    assert told(tmp_path / "state", file(tmp_path)) == ""
    assert not (tmp_path / "state").exists()


def test_rows_reach_the_disk_in_time_and_in_stretches(tmp_path: Path) -> None:
    clock = FakeClock()
    memory = hashes(tmp_path, clock)
    one, other = file(tmp_path), file(tmp_path, "other")
    memory.remember(one, MD5)
    assert told(tmp_path, one) == ""
    clock.sleep(5)
    memory.remember(other, MD5)
    assert told(tmp_path, one) == MD5
    for number in range(512):
        memory.remember(file(tmp_path, str(number)), MD5)
    assert told(tmp_path, (tmp_path / "511").stat()) == MD5
    memory.close()


def test_several_use_it_at_once(tmp_path: Path) -> None:
    files = [file(tmp_path, str(number)) for number in range(600)]
    memories = [hashes(tmp_path) for _ in range(3)]

    def use(memory: Hashes, some: list[os.stat_result]) -> None:
        for one in some:
            memory.remember(one, MD5)
            memory.lookup([one])
        memory.close()

    threads = [Thread(target=use, args=(m, files[n::3])) for n, m in enumerate(memories)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with hashes(tmp_path) as memory:
        assert set(memory.lookup(files)) == {MD5}


def test_a_writer_that_is_killed_leaves_a_memory_that_tells_the_truth(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from bucketline.clock import SystemClock
from bucketline.flow.ledger.hashes import Hashes
memory = Hashes.of(Path({str(tmp_path)!r}), SystemClock())
one = Path({str(tmp_path)!r}, "k").stat()
for _ in range(512):
    memory.remember(one, {MD5!r})
memory._flush()
os.kill(os.getpid(), 9)
"""
    one = file(tmp_path)
    subprocess.run([sys.executable, "-c", program], check=False)

    assert told(tmp_path, one) == MD5


@pytest.mark.parametrize("damage", ["all of it", "a page within"])
def test_a_damaged_one_is_moved_aside_and_begun_anew(tmp_path: Path, damage: str) -> None:
    files = [file(tmp_path, str(number)) for number in range(500)]
    with hashes(tmp_path) as memory:
        for one in files:
            memory.remember(one, MD5)
    with (tmp_path / FILE).open("r+b") as broken:
        broken.seek(0 if damage == "all of it" else 8192)
        broken.write(b"\xff" * 8192)

    with hashes(tmp_path) as memory:
        assert set(memory.lookup(files)) <= {"", MD5}
        memory.remember(files[0], MD5)
    assert told(tmp_path, files[0]) == MD5
    assert (tmp_path / f"{FILE}.damaged").exists()


def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    one = file(tmp_path)
    with hashes(tmp_path) as memory:
        memory.remember(one, MD5)
    db = apsw.Connection(str(tmp_path / FILE))
    db.execute("PRAGMA user_version=2; PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = (tmp_path / FILE).read_bytes()

    with hashes(tmp_path) as memory:
        assert memory.lookup([one]) == [""]
        memory.remember(one, MD5)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("there", ["folder", "file"])
def test_trouble_with_it_stops_nobody(tmp_path: Path, there: str) -> None:
    if there == "folder":
        (tmp_path / FILE).mkdir()
        state = tmp_path
    else:
        (tmp_path / "state").write_text("no folder")
        state = tmp_path / "state"
    one = file(tmp_path)
    with hashes(state) as memory:
        memory.remember(one, MD5)
        memory.lookup([one])


def test_another_who_holds_it_is_not_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    one, other = file(tmp_path), file(tmp_path, "other")
    with hashes(tmp_path) as memory:
        memory.remember(one, MD5)
    holder = apsw.Connection(str(tmp_path / FILE))
    holder.execute("BEGIN IMMEDIATE")
    clock = FakeClock()
    memory = hashes(tmp_path, clock)
    memory.remember(other, MD5)
    clock.sleep(5)
    memory.remember(other, MD5)
    holder.close()
    memory.close()

    assert told(tmp_path, other) == MD5


def test_what_nobody_saw_for_long_is_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    kept, gone = file(tmp_path), file(tmp_path, "gone")
    with hashes(tmp_path, clock) as memory:
        memory.remember(kept, MD5)
        memory.remember(gone, MD5)
    for _ in range(5):
        clock.sleep(30 * DAY)
        assert told(tmp_path, kept, clock) == MD5

    assert told(tmp_path, gone, clock) == ""
