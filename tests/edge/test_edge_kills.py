"""Set-up and update, killed at any step and run again, end as if nothing had happened.

Two kinds of steps: right before each thing that the program does to the world (killed.py), and
right after each call of the vendor's client, which has done its work while nobody was told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.standing_in import JOB, OPTIONS, Bench
from edge.updates import OWNER, updates
from servers import Endpoint

_ALL = bool(os.environ.get("BUCKETLINE_SOAK"))
_SOME = 3  # Of each kind, by default.
_KILLED = -9
_KILLER = str(Path(__file__).with_name("killed.py"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if _ALL else 300)]


@dataclass
class Trial:
    """A command on a device of its own, as often as need be."""

    bench: Bench
    words: list[str]

    def run(self, at: int = 0) -> int:
        """Its exit code; killed before its step `at`."""
        below, count = str(self.bench.here), str(self.bench.here / "count")
        program = (_KILLER, below, str(at), count)
        ended = self.bench.call(*self.words, variables=OWNER, program=program)
        assert ended.returncode in (0, _KILLED), ended.stdout + ended.stderr
        return ended.returncode

    @property
    def steps(self) -> int:
        return int((self.bench.here / "count").read_text())

    def left(self) -> dict[str, str]:
        """Every file that a person has now, as if all trials were in one place."""
        here = str(self.bench.here)
        found = self.bench.all_files().items()
        return {
            name.replace(here, "HERE"): body.decode().replace(here, "HERE") for name, body in found
        }


@contextmanager
def trials(command: str, here: Path, server: Endpoint) -> Iterator[Iterator[Trial]]:
    """One more each time that one is asked for."""
    with updates() as (url, _):

        def fresh() -> Iterator[Trial]:
            for number in range(10_000):
                bench = Bench(here / str(number), server)
                config = bench.home / "config.yaml"
                config.write_text("# mine\nremotes: {}\n")
                said = [str(bench.folder), *OPTIONS, "--config", str(config)]
                if command == "update":
                    said += ["--job-id", JOB, "--aws-endpoint-url", url]
                yield Trial(bench, ["edge", command, *said])

        yield fresh()


def chosen(count: int) -> list[int]:
    """All of 1 … count, or a few that are far from each other."""
    return list(range(1, count + 1, 1 if _ALL else max(1, count // _SOME)))


@pytest.mark.parametrize("command", ["setup", "update"])
def test_killed_before_any_step_it_ends_the_same(
    tmp_path: Path, rclone: Endpoint, command: str
) -> None:
    with trials(command, tmp_path, rclone) as fresh:
        whole = next(fresh)
        assert whole.run() == 0
        for step in chosen(whole.steps):
            trial = next(fresh)
            assert trial.run(step) == _KILLED
            assert trial.run() == 0
            assert_same(trial, whole, f"step {step} of {whole.steps}")


@pytest.mark.parametrize("command", ["setup", "update"])
def test_killed_after_any_call_of_the_client_it_ends_the_same(
    tmp_path: Path, rclone: Endpoint, command: str
) -> None:
    with trials(command, tmp_path, rclone) as fresh:
        whole = next(fresh)
        assert whole.run() == 0
        calls = whole.bench.commands()
        for step in chosen(len(calls)):
            trial = next(fresh)
            trial.bench.change(kills_at=step)
            assert trial.run() == _KILLED
            trial.bench.change(kills_at=0)
            assert trial.run() == 0
            assert_same(trial, whole, f"call {step} of {len(calls)}: {calls[step - 1]}")


def assert_same(trial: Trial, whole: Trial, where: str) -> None:
    """Files byte by byte, and the device; a third run finds nothing to do."""
    assert trial.left() == whole.left(), where
    mine, its = trial.bench.state, whole.bench.state
    assert mine["state"] == "UNLOCKED", where
    assert mine["software"]["installed"] == its["software"]["installed"], where
    assert its["reboots"] <= mine["reboots"] <= its["reboots"] + 1, where
    before = trial.left()
    done = trial.bench.call(*trial.words, variables=OWNER)
    assert (done.returncode, "nothing left to do" in done.stdout) == (0, True), where
    assert trial.left() == before, where
