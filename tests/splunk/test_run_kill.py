"""Killed at any moment and run again: the same end, and nothing is uploaded twice."""

from __future__ import annotations

import json
import os

import pytest

from desk import start
from splunk.site import Site

_STEP = 1 if os.environ.get("BUCKETLINE_SOAK") else 3


def killed(site: Site, request: int, when: str) -> bool:
    """Whether a run came as far as that; it is killed there."""
    splunk = site.splunk
    splunk.asked, splunk.kill = 0, (request, when)
    process = start(dict(os.environ), *site.words())
    splunk.victim.set_result(process.pid)
    process.communicate(timeout=60)
    splunk.kill = (0, "")
    splunk.victim = type(splunk.victim)()
    return process.returncode == -9


def check_the_end(site: Site) -> None:
    told = site.run()
    assert told["done"] + told["skipped"] == 2
    assert sorted(site.splunk.uploads.values()) == [1, 1]
    assert len(set(site.splunk.evicted)) == 2
    again = site.run()
    assert (again["skipped"], again["restarts"]) == (2, 0)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("request_number", range(1, 25, _STEP))
def test_killed_at_each_request(site: Site, request_number: int, when: str) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    site.archive("web", 2)

    if not killed(site, request_number, when):
        pytest.skip("a run has fewer requests")
    check_the_end(site)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "when"), [(9, "after"), (13, "after"), (17, "before")])
def test_killed_at_some_requests(site: Site, number: int, when: str) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    site.archive("web", 2)

    assert killed(site, number, when)
    check_the_end(site)


@pytest.mark.slow
def test_killed_while_rebuilding(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    site.archive("web", 2)
    faults = site.splunk.home / "faults.json"
    faults.write_text(json.dumps({"_2_": "kills"}))

    assert killed(site, 0, "") is True
    faults.write_text("{}")
    check_the_end(site)
