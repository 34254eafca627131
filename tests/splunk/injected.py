"""What tests of injected faults have in common: one bucket, how it ended, a proxy before it."""

from __future__ import annotations

from typing import Any

from faults.proxy import FaultProxy
from splunk.site import ORIGIN, Site

BID = f"web~1~{ORIGIN}"
JOURNAL = "rawdata/journal"


def ended(site: Site, *words: str, code: int) -> dict[str, Any]:
    """How the bucket ended; the counters add up."""
    *buckets, summary = site.told(*words, code=code)
    parts = ("skipped", "done", "failed", "waiting")
    assert summary["listed"] == sum(summary[part] for part in parts) == 1
    return buckets[-1]


def comes_back(site: Site) -> None:
    """Whole, once, and only then evicted."""
    assert ended(site, code=0)["state"] == "done"
    assert site.splunk.uploads[BID] == 1
    assert site.splunk.evicted == [BID]


def through(site: Site, proxy: FaultProxy) -> list[str]:
    """The words of a run whose archive is behind a proxy."""
    quick = ("--upload-timeout", "5", "--evict-timeout", "5")
    return [proxy.url if word == site.desk.url else word for word in [*site.words(), *quick]]
