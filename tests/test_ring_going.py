"""How far a run is can be seen while it goes: by a person, in a log, by a program."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bucketline.cli.invocation import Invocation
from bucketline.cli.ring.shown import Shown
from bucketline.clock import FakeClock
from bucketline.engines.ring.findings import PHASES
from bucketline.engines.ring.going import Going
from ring.services import serve
from ring.sites import look, opened
from ring.world import World


def test_each_phase_is_told_to_its_end(tmp_path: Path) -> None:
    seen: dict[str, tuple[str, int, int, int]] = {}

    def show(going: Going) -> None:
        assert going.phase
        seen[going.phase] = (going.unit, going.done, going.total, going.rows)

    with serve(World(7, 150)) as services, opened(services, tmp_path) as found:
        found.going = Going(show)
        look(found)
        rows = {phase: found.dataset(phase).manifest().rows for phase in PHASES}

    assert list(seen) == list(PHASES)
    units = {"listkeys": "nodes", "export": "buckets", "digest": "split objects"}
    for phase, unit in {**units, "orphans": "candidates"}.items():
        said, done, total, wrote = seen[phase]
        assert (said, done) == (unit, total)
        assert total > 0
        assert wrote == rows[phase] or phase == "digest"  # The rest of these an engine writes.


def shown(kind: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is shown of 100 seconds, in each of which 1,000 rows are written."""
    clock = FakeClock(1_000.0)
    going = Going(Shown(Invocation(progress=kind), clock))
    going.begin("listkeys", "nodes", 7)
    for _ in range(100):
        clock.sleep(1.0)
        going.wrote("listkeys", 1_000)
    return capsys.readouterr().err.splitlines()


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown("auto", capsys)

    assert len(lines) == 3
    assert lines[0] == "listkeys: 0 of 7 nodes, 30,000 rows"


def test_a_person_sees_a_line_that_changes_and_goes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    clock = FakeClock(1_000.0)
    going = Going(Shown(Invocation(progress="auto"), clock))
    going.begin("export", "buckets", 3)
    for _ in range(3):
        clock.sleep(0.15)
        going.step(1)
    going.wrote("objects", 5)  # Beside it.
    going.end()

    written = capsys.readouterr().err
    assert written == "\r\033[Kexport: 2 of 3 buckets\r\033[K"


def test_a_program_gets_an_object_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    told = [json.loads(line) for line in shown("json", capsys)]

    assert len(told) == 100
    assert told[-1] | {"time": 0} == {
        "event": "progress",
        "time": 0,
        "phase": "listkeys",
        "done": 0,
        "total": 7,
        "unit": "nodes",
        "rows": 100_000,
    }


def test_nobody_who_wants_nothing_gets_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("none", capsys) == []
