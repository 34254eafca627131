"""Faults that outlast a run: damaged archives, caches that keep, short pages, retention."""

from __future__ import annotations

import gzip
import json

import pytest

from splunk.injected import BID, comes_back, ended
from splunk.journals import journal
from splunk.site import ORIGIN, Site

NAME = f"db_1651670907_1651669558_1_{ORIGIN}"
KEY = f"ddss/web/{NAME}/rawdata/journal.gz"
GOOD = journal(5000, "gzip")


def damaged(how: str) -> bytes:
    match how:
        case "empty":
            return b""
        case "cut":
            return GOOD[:-100]
        case "flipped":
            at = len(GOOD) // 2
            return GOOD[:at] + bytes([GOOD[at] ^ 4]) + GOOD[at + 1 :]
        case "wrong codec":
            return b"BZh9" + GOOD
        case "stub":
            return gzip.compress(journal(0, "none"), mtime=0)
    raise AssertionError(how)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("cut", "in the middle of"),
        ("flipped", "damaged"),
        ("wrong codec", "no known compression"),
        ("stub", "no event"),
    ],
)
def test_f1_what_was_archived_damaged_is_never_rebuilt(site: Site, how: str, said: str) -> None:
    """The archive's own hash fits: it was damaged before."""
    home = site.splunk.add_index("web")
    site.put(KEY, damaged(how))

    found = ended(site, code=1)

    assert found["state"] == "failed"
    assert said in found["message"]
    assert not (site.splunk.home / "called.jsonl").exists()
    assert site.splunk.seen["restart"] == 0
    assert [path for path in home.parent.rglob("*") if path.is_file()] == []
    assert site.desk.body(KEY) == damaged(how)
    again = ended(site, code=1)
    assert "quarantined earlier" in again["message"]
    site.put(KEY, GOOD)
    comes_back(site)


def test_f11_one_that_splunk_keeps_costs_the_others_nothing(one: Site) -> None:
    one.archive("web", 2)
    other = f"web~2~{ORIGIN}"
    one.splunk.faults["evict declined"] = {BID: 10**6}

    *buckets, summary = one.told(code=4)

    assert (summary["done"], summary["waiting"], summary["failed"]) == (1, 1, 0)
    assert one.splunk.evicted == [other]
    (kept,) = [bucket for bucket in buckets if bucket["state"] == "waiting"]
    assert "keeps it in its cache" in kept["message"]
    path = one.splunk.known[BID].path
    assert [*path.glob("*.tsidx")] != []
    assert [*path.glob("rawdata/journal*")] != []
    before = dict(one.splunk.uploads), one.splunk.seen["restart"]
    one.splunk.faults["evict declined"] = {}
    assert one.run()["done"] == 1
    assert (dict(one.splunk.uploads), one.splunk.seen["restart"]) == before
    assert one.splunk.evicted == [other, BID]
    assert one.splunk.careless == []


def test_f17_a_server_that_gives_30_whatever_is_asked_is_read_to_its_end(one: Site) -> None:
    web = one.splunk.indexes.pop("web")
    for number in range(70):
        one.splunk.add_index(f"a{number:02}")
    one.splunk.indexes["web"] = web
    one.splunk.faults["page cap"] = 30

    comes_back(one)
    assert one.splunk.careless == []


def test_f18_what_retention_froze_at_once_is_not_restored_by_each_run(one: Site) -> None:
    one.splunk.faults["retention"] = True

    first = ended(one, code=1)
    again = ended(one, code=1)

    assert "retention" in first["message"]
    assert "is gone since" in again["message"]
    assert one.splunk.uploads[BID] == 1
    assert one.splunk.evicted == []
    called = (one.splunk.home / "called.jsonl").read_text().splitlines()
    assert [json.loads(line)[0] for line in called].count("rebuild") == 1
    assert one.stored("ddss/") != []
    one.splunk.faults.clear()
    assert ended(one, "--retry-quarantined", code=0)["state"] == "done"
