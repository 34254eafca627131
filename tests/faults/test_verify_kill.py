"""A verification, killed and interrupted: started again it reads nothing that it has proven."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from faults.proxy import Exchange
from faults.syncing import SOURCE, Done, Job, mixed_objects, pair

_ALL = bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_OBJECTS = 1_000 if _ALL else 150
VERIFY = ("verify", "two:kept/", "--workers", "8")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A sync that has ended well."""
    with pair(tmp_path_factory.mktemp("servers")) as both:
        both.fill(mixed_objects(_OBJECTS, 3), SOURCE)
        both.make_target("kept")
        job = Job(both, tmp_path_factory.mktemp("state"), "kept")
        done = job.run()
        assert done.code == 0, done.errors
        yield job


def asked(job: Job) -> set[str]:
    """Which objects were read."""
    return {seen.key for seen in job.pair.target_proxy.seen("GET") if seen.key}


class Striker:
    """Sends a signal to a process at the nth reading that a proxy sees, which then goes on."""

    __name__ = "striker"

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None

    def __call__(self, exchange: Exchange) -> None:
        assert self.process is not None
        os.kill(self.process.pid, self.number)
        exchange.send(exchange.forward())


def struck(job: Job, number: int, nth: int) -> Done:
    """A verification that is ended by a signal at its nth reading."""
    proxy, striker = job.pair.target_proxy, Striker(number)
    proxy.forget()
    striker.process = job.start(*VERIFY)  # First: one ended before may still have readings here.
    proxy.add(striker, method="GET", path="/kept/[^?]", nth=nth, times=1)
    done = job.finish(striker.process)
    proxy.heal()
    assert done.code in (-number, 128 + number), done.errors
    return done


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_what_is_proven_is_not_read_again_in_the_same_round(job: Job, number: int) -> None:
    before: set[str] = set()
    for nth in (_OBJECTS // 3, _OBJECTS // 4):
        done = struck(job, number, nth)
        assert not before & asked(job)
        before |= done.fates("done").keys()
    assert before

    job.pair.target_proxy.forget()
    done = job.finish(job.start(*VERIFY))
    summary = done.summary
    assert (done.code, summary["state"]) == (0, "complete")
    assert summary["listed"] == summary["skipped"] + summary["verified"] == _OBJECTS
    assert summary["before"] == summary["skipped"] >= len(before)
    assert not before & asked(job)


@pytest.mark.timeout(300)
def test_limits_end_it_and_the_rest_comes_later(job: Job) -> None:
    """The rounds before are complete: this one begins anew, and ends as often as it is told to."""
    proven: set[str] = set()
    for _ in range(10):
        done = job.finish(job.start(*VERIFY, "--max-bytes", "20M"))
        assert not proven & done.fates("done").keys()
        proven |= done.fates("done").keys()
        if done.code == 0:
            break
        assert done.code == 4, done.errors
    assert len(proven) == _OBJECTS
