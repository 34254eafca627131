"""Endpoints as the command line tells of them: down, back, and what each did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.cli.endpoints import Endpoints, Meter
from bucketline.cli.invocation import Invocation
from bucketline.clock import FakeClock
from bucketline.errors import Unreachable, UsageError
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.report.endpoints import endpoints_of
from bucketline.flow.report.runs import find_run
from bucketline.flow.run.terms import Stop
from bucketline.stores.s3 import Pool
from desk import Desk
from s3_by_hand import START, answer, store
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


def fell(pool: Pool, count: int = 6) -> None:
    for address in pool.addresses:
        for _ in range(count):
            pool.failed(pool.at(address, 0), Unreachable("refused"))


def spoke(pool: Pool) -> None:
    for address in pool.addresses:
        pool.answered(pool.at(address, 10), answer(body=b"123"), 10)


def test_a_side_that_goes_down_is_told_once_and_when_it_is_back() -> None:
    clock = FakeClock(START)
    target = store(clock=clock)
    endpoints = Endpoints.of(Invocation(), clock, Stop(), target=target)
    fell(target.pool)
    assert list(endpoints.news()) == []  # It never answered: nobody waits for it.

    spoke(target.pool)
    fell(target.pool)
    down = list(endpoints.news())
    again = list(endpoints.news())
    clock.sleep(90)
    spoke(target.pool)
    back = list(endpoints.news())

    assert down == ["target down since 22:13:20 UTC: refused; waiting, all goes on when it is back"]
    assert (again, back) == ([], ["target is back after 1 min 30 s"])


def test_the_wish_to_end_ends_the_patience() -> None:
    stop = Stop()
    place = store()
    Endpoints.of(Invocation(), FakeClock(START), stop, source=place)
    assert place.pool.is_patient is not None

    before = place.pool.is_patient()
    stop.drain = True

    assert (before, place.pool.is_patient()) == (True, False)


def test_counts_are_of_the_run_and_stand_in_its_ledger_while_it_goes_on(tmp_path: Path) -> None:
    clock = FakeClock(START)
    place = store(clock=clock, endpoints=("http://a:1", "http://b:1"))
    spoke(place.pool)
    with Ledger.open(tmp_path / "one.ledger", clock=clock) as ledger:
        ledger.begin(RunHead("r", "sync", "a", "b", name="", configuration={}))
        meter = Meter(
            Endpoints.of(Invocation(), clock, Stop(), source=place), ledger, "r", lambda: 7
        )
        spoke(place.pool)
        meter.tick()
        assert endpoints_of(find_run(tmp_path, "r")) == []
        clock.sleep(5)
        meter.tick()
        spoke(place.pool)
        live = endpoints_of(find_run(tmp_path, "r"))
        meter.write()
        last = endpoints_of(find_run(tmp_path, "r"))
        assert find_run(tmp_path, "r").found == 7

        ledger.prune(0)
        assert meter.counts() == last

    assert [(side, one.endpoint, one.requests, one.bytes_read) for side, one in live] == [
        ("source", "http://a:1", 1, 3),
        ("source", "http://b:1", 1, 3),
    ]
    assert [one.bytes_written for _, one in last] == [20, 20]


def test_a_run_tells_what_its_endpoints_did(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.file("a", b"123")

    [one] = desk.sync(str(desk.folder), desk.s3)["endpoints"]

    assert (one["side"], one["endpoint"], one["faults"]) == ("target", desk.url, 0)
    assert one["requests"] >= 2
    assert one["bytes_written"] == 3
    assert main(["runs", "show"]) == 0
    shown = capsys.readouterr().out
    assert f"target   {desk.url}: {one['requests']} requests · read" in shown
    assert main(["runs", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["endpoints"] == [one]


def test_an_endpoint_named_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    ends = ["--endpoint-url", "http://a:1"] * 2

    assert main(["ls", "s3://b/", *ends]) == UsageError.exit_code

    assert "http://a:1: is named twice; leave one out" in capsys.readouterr().err


def test_what_a_trial_proved_and_what_a_run_learnt_the_next_runs_know(
    ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, ministack, capsys)
    desk.file("a", b"123")

    first = desk.sync(str(desk.folder), desk.s3)["proof"]
    desk.run("doctor", desk.s3, "--write-probe", "scratch/")
    known = json.loads((tmp_path / "state" / "endpoints.json").read_text())["endpoints"]
    desk.file("b", b"456")
    second = desk.sync(str(desk.folder), desk.s3)["proof"]

    facts = {name: fact for name, (fact, _) in known[desk.url][1].items()}
    assert facts["checksums"] != []
    assert facts["knows_tags"] is True
    assert first != second
    assert "etag" not in second
