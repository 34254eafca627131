"""Many buckets of all kinds, within a budget of disk; two hundred by `./test soak`."""

from __future__ import annotations

import os
import time
from itertools import cycle

import pytest

from splunk.journals import journal
from splunk.site import Site

INDEXES = ("web", "a_b-c", "_internal")
KINDS = cycle(
    [
        {"codec": "zstd"},
        {"codec": "gzip", "layout": "db/"},
        {"codec": "lz4", "kind": "rb"},
        {"codec": "none", "guid": ""},
        {"codec": "zstd", "tier": "GLACIER"},
        {"codec": "lz4-legacy"},
    ]
)
BUDGET = 64 << 10
_ALL = bool(os.environ.get("BUCKETLINE_SOAK"))
GOOD = 197 if _ALL else 37
EVENTS = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if _ALL else 900)]


def test_many_buckets_come_back(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for index in INDEXES:
        site.splunk.add_index(index)
    for number, index, how in zip(range(GOOD), cycle(INDEXES), KINDS, strict=False):
        site.archive(index, number, events=EVENTS, **how)
    whole = journal(500, "zstd")
    bad = {
        site.archive("web", 900, body=whole[:-4]): "the journal",
        site.archive("web", 901, body=b"PK" + whole): "no known compression",
        site.archive("web", 902, events=0): "a stub",
    }
    began, used = time.monotonic(), sum(os.times()[:2])

    told = site.told("--budget", str(BUDGET), code=1)

    wall, used = time.monotonic() - began, sum(os.times()[:2]) - used
    end = told[-1]
    assert (end["listed"], end["done"], end["failed"], end["waiting"]) == (GOOD + 3, GOOD, 3, 0)
    assert end["events"] == GOOD * EVENTS
    assert end["restarts"] == end["waves"] == site.splunk.seen["restart"] > 1
    assert sorted(site.splunk.uploads.values()) == [1] * GOOD
    assert len(site.splunk.evicted) == len(set(site.splunk.evicted)) == GOOD
    assert not site.splunk.careless
    ends = {one["bucket"]: one["message"] for one in told[:-1] if one["state"] == "failed"}
    assert ends.keys() == bad.keys()
    for name, why in bad.items():
        assert ends[name].startswith("quarantined: ")
        assert why in ends[name]
    left = site.splunk.on_disk()
    assert site.splunk.disk_most - left <= BUDGET
    with capsys.disabled():
        print(
            f"\n{GOOD + 3} buckets: {wall:.1f} s (CPU of run and double: {used:.1f} s),"
            f" {end['waves']} waves, {end['restarts']} restarts,"
            f" disk {site.splunk.disk_most - left:,} of {BUDGET:,} bytes"
        )
    before = site.uploaded(), dict(site.splunk.seen)
    again = site.run(code=1)
    assert (again["skipped"], again["failed"], again["restarts"]) == (GOOD, 3, 0)
    assert (site.uploaded(), dict(site.splunk.seen)) == before
