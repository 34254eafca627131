"""Many buckets of all kinds, within a budget of disk; two hundred by `./test soak`."""

from __future__ import annotations

import os
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
    ]
)
BUDGET = 64 << 10
GOOD = 197 if os.environ.get("BUCKETLINE_SOAK") else 37


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_buckets_come_back(site: Site) -> None:
    for index in INDEXES:
        site.splunk.add_index(index)
    for number, index, how in zip(range(GOOD), cycle(INDEXES), KINDS, strict=False):
        site.archive(index, number, **how)
    whole = journal(500, "zstd")
    site.archive("web", 900, body=whole[:-4])
    site.archive("web", 901, body=b"PK" + whole)
    site.archive("web", 902, events=0)

    told = site.run("--budget", str(BUDGET), code=1)

    assert (told["listed"], told["done"], told["failed"], told["waiting"]) == (GOOD + 3, GOOD, 3, 0)
    assert told["restarts"] == told["waves"] == site.splunk.seen["restart"] > 1
    assert sorted(site.splunk.uploads.values()) == [1] * GOOD
    assert len(site.splunk.evicted) == len(set(site.splunk.evicted)) == GOOD
    left = sum(
        path.stat().st_size for path in (site.splunk.home / "indexes").rglob("*") if path.is_file()
    )
    assert site.splunk.disk_most - left <= BUDGET
    before = site.uploaded(), dict(site.splunk.seen)
    again = site.run(code=1)
    assert (again["skipped"], again["failed"], again["restarts"]) == (GOOD, 3, 0)
    assert (site.uploaded(), dict(site.splunk.seen)) == before
