"""Killed anywhere and run again: the findings are the same, and so is what was deleted."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.engines.ring import gates
from bucketline.engines.ring.gates import Terms
from bucketline.engines.ring.plan import Plan, make
from bucketline.engines.ring.undelete import undelete
from edge import killed
from ring.services import Services, serve
from ring.sites import configured, look, opened, told
from ring.world import World

DAY = 86_400
POINTS = 30 if os.environ.get("BUCKETLINE_SOAK") else 5
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with serve(World(7, 40)) as found:
        yield found


def ring(services: Services, folder: Path, *words: str, nth: int = 0) -> int:
    """The program, in a process of its own; killed before the nth step that its files take."""
    config = configured(services, folder)
    said = ["ring", *words, "--config", str(config), "--progress", "none"]
    dying = [killed.__file__, str(folder / "rings"), str(nth), str(folder / "steps")]
    null = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, *dying, *said], stdout=null, stderr=null) as child:
        services.pid = child.pid
        services.victim.set()
        status = child.wait()
    services.victim.clear()
    return status


def planned(services: Services, folder: Path) -> tuple[Plan, list[str]]:
    """Of two runs that agree, and what opens the gate that the double's orphans shut."""
    now = services.now = time.time()
    with opened(services, folder / "rings", now=now - 20 * DAY) as found:
        look(found)
    services.world.uploads_begin(now - DAY)
    with opened(services, folder / "rings", now=now, is_new=True) as found:
        look(found)
        plan = make(found).plan
        shut = [gate.why for gate in gates.examine(found, Terms()) if gate.why]
    return plan, ["--allow-orphans", shut[0].split()[-1]]


@pytest.fixture(scope="module")
def undisturbed(
    services: Services, tmp_path_factory: pytest.TempPathFactory
) -> tuple[object, int, int]:
    """What a run finds that nobody kills, and how many answers and steps of files it takes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    before = services.asked.total()
    assert ring(services, folder, "run", "R") == 3
    with opened(services, folder / "rings") as found:
        steps = int((folder / "steps").read_text())
        return told(found), services.asked.total() - before, steps


@pytest.mark.parametrize("point", range(POINTS))
def test_a_run_that_was_killed_finds_the_same(
    point: int, undisturbed: tuple[object, int, int], services: Services, tmp_path: Path
) -> None:
    """By turns after an answer, and before something is written or gets its name."""
    findings, answers, steps = undisturbed
    nth = 1 + point * (steps - 1) // POINTS if point % 2 else 0
    services.counted = ""
    services.kill_after = 0 if nth else 1 + point * (answers - 1) // POINTS
    assert ring(services, tmp_path, "run", "R", nth=nth) == -9
    assert ring(services, tmp_path, "run", "R") == 3

    with opened(services, tmp_path / "rings") as found:
        assert told(found) == findings


KILLS = [("GET arc", 3), ("GET arc", 9), ("DELETE chord", 2), ("PUT arc", 1), ("PUT arc", 6)]


@pytest.mark.parametrize(("counted", "answers"), KILLS if POINTS == 30 else KILLS[1::2])
def test_a_quarantine_that_was_killed_holds_all_the_same(
    counted: str, answers: int, tmp_path: Path
) -> None:
    with serve(World(7, 4)) as services:
        plan, allow = planned(services, tmp_path)
        before = services.hash
        approve = ["reclaim", "R", "--approve", plan.sha256, *allow]
        approve += ["--quarantine", str(tmp_path / "quarantine")]
        back = ["undelete", "R", "--plan", plan.sha256]
        services.counted, services.kill_after = counted, answers

        for words in (approve, approve):
            status = ring(services, tmp_path, *words)
        assert status == 0
        assert set(services.buried) == {one.main for one in plan.items}
        for main in services.buried:
            services.purge(main)
        for words in (back, back):
            status = ring(services, tmp_path, *words)

        assert (status, services.kill_after < 0) == (0, True)
        assert services.hash == before


@pytest.mark.parametrize("deletes", range(1, 17, 1 if POINTS == 30 else 6))
def test_deletes_that_were_killed_are_ended_and_can_be_undone(deletes: int, tmp_path: Path) -> None:
    with serve(World(7, 40)) as services:
        plan, allow = planned(services, tmp_path)
        before, now = services.world.hash, services.now
        approve = ["reclaim", "R", "--approve", plan.sha256, *allow]
        services.counted, services.kill_after = "DELETE", deletes

        assert ring(services, tmp_path, *approve) == -9
        assert len(services.buried) >= deletes
        assert ring(services, tmp_path, *approve) == 0
        assert sorted(services.buried) == [one.main for one in plan.items]
        with opened(services, tmp_path / "rings", now=now) as found:
            assert undelete(found, plan.sha256) == {"done": len(plan.items)}
        assert services.world.hash == before
