"""How a sync ended is told in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bucketline.cli.endpoints import Endpoints, Meter
from bucketline.cli.outcome import Recorder, tell_failures
from bucketline.cli.printer import Printer
from bucketline.clock import FakeClock
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.run.terms import Stop
from bucketline.model import Action, Copy, Entry, Fate, Outcome, Skip

NOTHING = Skip(0, 0)


def _meter(ledger: Ledger) -> Meter:
    return Meter(Endpoints({}, FakeClock()), ledger, "r", lambda: 0)


def told(folder: Path, outcomes: list[Outcome], capfdbinary: pytest.CaptureFixture[bytes]) -> str:
    printer = Printer()
    with Ledger.open(folder / "one.ledger") as ledger:
        ledger.begin(RunHead("r", "sync", "a", "b", name="", configuration={}))
        recorder = Recorder(ledger, printer, Stop(), _meter(ledger), tells=False)
        actions: list[Action] = [Copy(Entry(f"k{n}", 1), f"k{n}") for n in range(len(outcomes))]
        recorder.record(actions, [], NOTHING)
        recorder.record([], list(zip(actions, outcomes, strict=True)), NOTHING)
        tell_failures(printer, recorder, ledger.tally())
    return capfdbinary.readouterr().err.decode()


def test_what_waits_is_told_too(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    waiting = Outcome(Fate.WAITING, cause="NeedsThaw", message="s3://b/k0: in an archive")

    assert told(tmp_path, [waiting], capfdbinary) == (
        "1 waiting; `bucketline runs errors last` says for what\n"
    )


def test_a_failure_names_its_key_once(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    said = [
        Outcome(Fate.FAILED, cause="Denied", message="s3://b/k0: not allowed"),
        Outcome(Fate.FAILED, cause="Denied", message="not allowed"),
    ]

    assert told(tmp_path, said, capfdbinary) == (
        "failed: Denied: s3://b/k0: not allowed\n"
        "failed: Denied: k1: not allowed\n"
        "see `bucketline runs errors last`; run again to try them again\n"
    )


def test_what_arrived_without_something_is_counted(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    said = [Outcome(Fate.DONE, message="without tags"), Outcome(Fate.DONE)]

    assert told(tmp_path, said, capfdbinary) == "1 copied without tags\n"


def test_who_hears_of_a_fate_finds_it_recorded(tmp_path: Path) -> None:
    found: list[str] = []
    with Ledger.open(tmp_path / "one.ledger") as ledger:
        ledger.begin(RunHead("r", "sync", "a", "b", name="", configuration={}))
        action: Action = Copy(Entry("k", 1), "k")

        def heard(ends: Sequence[tuple[Action, Outcome]]) -> None:
            known = ledger.known([action.key for action, _ in ends])
            found.extend(one.source_etag for one in known.values())

        recorder = Recorder(ledger, Printer(), Stop(), _meter(ledger), tells=False, heard=heard)
        recorder.record([action], [], NOTHING)
        recorder.record([], [(action, Outcome(Fate.DONE, 1, source_etag="proven"))], NOTHING)

    assert found == ["proven"]
