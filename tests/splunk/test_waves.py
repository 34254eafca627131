"""A wave waits for all of its buckets at once, and the disk never holds more than the budget."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from desk import begin
from splunk.site import ORIGIN, Site

WAVE = 3


def bid(number: int) -> str:
    return f"web~{number}~{ORIGIN}"


@pytest.fixture
def few(site: Site) -> Site:
    site.splunk.add_index("web")
    for number in range(WAVE):
        site.archive("web", number)
    return site


@pytest.mark.parametrize("words", [(), ("--legal-hold", "case")])
def test_what_a_killed_run_left_of_a_bucket_that_nobody_wants_now_takes_no_disk(
    few: Site, words: Sequence[str]
) -> None:
    below = few.splunk.home / "indexes/web"
    left = below / "bucketline-staging/db_9_8_7"
    left.mkdir(parents=True)
    (left / "journal").write_text("x")

    assert few.run(*words)["done"] == WAVE
    assert not left.exists()
    assert (below / "bucketline-held/db_9_8_7.1/journal").exists() is bool(words)


def test_evictions_are_waited_for_together(few: Site) -> None:
    few.splunk.faults["evict declined"] = {bid(number): 2 for number in range(WAVE)}

    assert few.run("--evict-timeout", "20")["done"] == WAVE
    evictions = [deed for deed in few.splunk.deeds if deed.endswith("/evict")]
    assert len(set(evictions[:WAVE])) == WAVE
    assert evictions == evictions[:WAVE] * 3


def test_an_upload_that_hangs_keeps_nobody_waiting(few: Site) -> None:
    few.splunk.faults[bid(0)] = "stuck"

    told = few.run(code=4)

    assert (told["done"], told["waiting"]) == (WAVE - 1, 1)
    assert sorted(few.splunk.evicted) == [bid(1), bid(2)]
    del few.splunk.faults[bid(0)]
    assert few.run("--upload-timeout", "20")["done"] == 1


def test_an_upload_that_cannot_be_looked_at_costs_nobody_else_his(few: Site) -> None:
    few.splunk.faults[bid(1)] = "bad hash"

    told = few.told(code=4)

    assert told[-1]["done"] == WAVE - 1
    assert any("not what was written" in one.get("message", "") for one in told)


def test_what_does_not_leave_the_disk_takes_its_part_of_the_budget(site: Site) -> None:
    site.splunk.add_index("web")
    for number in range(9):
        site.archive("web", number, events=400)
        site.splunk.faults[bid(number)] = "lacks an object"
    budget = 40_000

    told = site.told("--budget", str(budget), code=4)

    assert 0 < site.splunk.disk_most <= budget
    assert (told[-1]["waiting"], told[-1]["restarts"]) == (9, told[-1]["waves"])
    assert "the budget is taken" in told[-2]["message"]


@pytest.mark.slow
def test_an_upload_that_begins_after_the_run_was_killed_is_not_asked_for_again(
    few: Site,
) -> None:
    """Splunk calls it idle before it begins, and the one that asked for it is dead."""
    few.splunk.faults["after looks"] = 3
    few.splunk.kill_after = 4  # After the close of the first: a restart, a register, an attach.
    process = begin(dict(os.environ), "-m", "bucketline", *few.words())
    few.splunk.victim.set_result(process.pid)
    process.communicate(timeout=60)
    assert few.splunk.deeds[-1].endswith("/close")

    few.splunk.faults.clear()

    assert few.run("--upload-timeout", "20", "--poll", "1")["done"] == WAVE
    assert set(few.splunk.uploads.values()) == {1}
