"""The power fails as a disk is prepared: the next boot finds what had reached it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import loops
from bucketline.engines.volumes.plans import Plans
from bucketline.engines.volumes.prepare import prepare
from volumes.bench import ALL, Bench, as_of_another_boot, detached

pytestmark = [loops.needs_loops, pytest.mark.slow]
LATER = [moment for moment in ALL if moment[0] != "partition"]


@pytest.mark.parametrize(("step", "state"), [("partition", "done"), *LATER])
def test_the_next_boot_comes_to_the_same_end(step: str, state: str, bench: Bench) -> None:
    plan = bench.plan()
    bench.until(plan, step, state)
    cut = bench.here / "cut"
    shutil.copy(bench.here / "image", cut)  # What was only in memory is not in the file.
    plan = as_of_another_boot(bench, plan)
    detached(bench)
    with loops.loop(cut, 80) as device:
        bench.device = device
        bench.prepare(plan)

        assert bench.is_whole()
        subprocess.run(["umount", str(bench.folder)], check=True)


def test_before_the_partition_there_is_nothing_to_know_it_by(bench: Bench) -> None:
    plan = bench.plan()
    bench.until(plan, "partition", "intent")
    plan = as_of_another_boot(bench, plan)

    assert "names may have changed" in bench.refused(plan)


def test_a_table_that_the_kernel_has_not_read(bench: Bench) -> None:
    """Cut off between the table and the partition."""
    plan = bench.plan()
    bench.until(plan, "partition", "done")
    subprocess.run(["partx", "--delete", bench.device], check=True)
    bench.prepare(plan)

    assert bench.is_whole()


def test_udev_is_kept_away_meanwhile(bench: Bench) -> None:
    """It honours a lock of the disk; without, it takes partitions away as they are used."""
    plans = Plans(bench.state)
    plan = plans.load(bench.plan())
    locked = ["flock", "--nonblock", "--conflict-exit-code", "9", bench.device, "true"]
    with plans.journal(plan) as journal:
        codes = {subprocess.run(locked, check=False).returncode for _ in prepare(plan, journal)}

    assert codes == {9}
    assert subprocess.run(locked, check=False).returncode == 0
