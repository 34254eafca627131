"""The power fails at each point of the preparation: run again, it comes to the same end."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys

import pytest

import loops
from disks import run
from volumes.bench import ALL, FSTAB, Bench, as_of_another_boot

pytestmark = [loops.needs_loops, pytest.mark.slow]


@pytest.mark.parametrize(("step", "state"), ALL)
def test_it_goes_on_from_everywhere(step: str, state: str, bench: Bench) -> None:
    plan = bench.plan()
    bench.until(plan, step, state)
    bench.prepare(plan)

    assert bench.is_whole()


@pytest.mark.parametrize("filesystem", ["ext4", "xfs"])
@pytest.mark.parametrize("left", ["whole", "half", "another"])
def test_what_a_crash_left_of_a_file_system_is_made_anew(
    filesystem: str, left: str, large_bench: Bench
) -> None:
    plan = large_bench.plan("--filesystem", filesystem)
    large_bench.until(plan, "format", "intent")
    run("mkfs.xfs" if left != "another" else "mkfs.ext4", "-q", large_bench.part)
    if left == "half":
        file = os.open(large_bench.part, os.O_WRONLY)
        os.pwrite(file, bytes(1 << 20), 64 << 10)
        os.close(file)
    large_bench.prepare(plan)

    assert large_bench.is_whole()
    assert run("findmnt", "-n", "-o", "FSTYPE", str(large_bench.folder)) == filesystem


def test_a_file_system_that_was_not_ours_is_never_overwritten(bench: Bench) -> None:
    """Somebody was quicker: after the partition, before our step."""
    plan = bench.plan()
    bench.until(plan, "partition", "done")
    run("mkfs.ext4", "-q", bench.part)
    uuid = run("blkid", "-p", "-s", "UUID", "-o", "value", bench.part)
    bench.prepare(plan, code=7)

    assert run("blkid", "-p", "-s", "UUID", "-o", "value", bench.part) == uuid


def test_a_volume_that_lost_its_file_system_is_not_made_anew(bench: Bench) -> None:
    """What was done once is never done again: it would be the end of whatever came there since."""
    plan = bench.plan()
    bench.prepare(plan)
    bench.umount()
    run("mkfs.ext4", "-q", "-F", bench.part)
    uuid = run("blkid", "-p", "-s", "UUID", "-o", "value", bench.part)

    assert "has lost its file system" in bench.refused(plan)
    assert run("blkid", "-p", "-s", "UUID", "-o", "value", bench.part) == uuid


def test_half_a_partition_table_is_said_so(bench: Bench) -> None:
    plan = bench.plan()
    bench.until(plan, "partition", "intent")
    run("parted", "--script", bench.device, "mklabel", "msdos")

    assert "perhaps cut off" in bench.refused(plan)


def test_a_journal_that_was_cut_off(bench: Bench) -> None:
    plan = bench.plan()
    bench.until(plan, "format", "done")
    (journal,) = bench.state.glob("volumes/*.journal")
    journal.write_bytes(journal.read_bytes() + b'\n{"v": 1, "vol')
    bench.prepare(plan)

    assert bench.is_whole()


def test_a_disk_that_was_away_is_not_believed(bench: Bench) -> None:
    plan = bench.plan()
    bench.until(plan, "format", "done")
    run("partx", "--delete", bench.device)
    run("losetup", "--detach", bench.device)
    with loops.loop(bench.here / "image", 80):
        assert "is not the disk that was planned: its sequence" in bench.refused(plan)
        assert bench.fstab.read_bytes() == FSTAB


def test_after_a_boot_a_disk_is_known_by_its_table_whatever_its_name(bench: Bench) -> None:
    plan = as_of_another_boot(bench, begun(bench, "format", "done"))
    run("partx", "--delete", bench.device)
    run("losetup", "--detach", bench.device)
    with (
        loops.loop(bench.here / "other", 80),
        loops.loop(bench.here / "image", 80) as device,
    ):
        bench.device = device
        bench.prepare(plan)

        assert bench.is_whole()
        assert (bench.here / "other").read_bytes().count(0) == 80 << 20


def begun(bench: Bench, step: str, state: str) -> str:
    plan = bench.plan()
    bench.until(plan, step, state)
    return plan


def test_after_a_boot_an_empty_disk_is_not_believed(bench: Bench) -> None:
    plan = as_of_another_boot(bench, bench.plan())

    assert "names may have changed" in bench.refused(plan)
    assert (bench.here / "image").read_bytes().count(0) == 80 << 20


def test_a_copy_of_a_disk_is_no_disk(bench: Bench) -> None:
    plan = begun(bench, "format", "done")
    shutil.copy(bench.here / "image", bench.here / "copy")
    with loops.loop(bench.here / "copy", 80):
        assert "are copies of each other" in bench.refused(plan)


@pytest.mark.parametrize("lines", [0, 1, 2, 5, 8, 11])
def test_killed(lines: int, bench: Bench) -> None:
    plan = bench.plan()
    words = ("volumes", "prepare", "--plan", plan, "--json", "--state", str(bench.state))
    command = [sys.executable, "-u", "-m", "bucketline", *words]
    with subprocess.Popen(command, env=bench.around, stdout=subprocess.PIPE) as child:
        assert child.stdout
        for _ in range(lines):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    with (bench.state / "volumes" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # What it had started ends first.
    bench.prepare(plan)

    assert bench.is_whole()


def test_a_second_one_is_refused_while_the_first_works(bench: Bench) -> None:
    plan = bench.plan()
    with (bench.state / "volumes" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert "is at work" in bench.refused(plan)
