"""Buckets come back: rebuilt, uploaded with proof, evicted, and never twice."""

from __future__ import annotations

import json

import pytest

from splunk.journals import journal
from splunk.site import Site


def test_a_bucket_comes_back(site: Site) -> None:
    site.splunk.add_index("web")
    name = site.archive("web", 1)
    site.put(f"ddss/web/{name}/rawdata/deletes/gone.csv", b"deleted")

    told = site.run()

    assert (told["listed"], told["done"], told["restarts"], told["waves"]) == (1, 1, 1, 1)
    assert told["events"] == 50
    keys = [entry.key for entry in site.uploaded()]
    assert sum(key.endswith("receipt.json") for key in keys) == 1
    assert any(key.endswith("rawdata/deletes/gone.csv") for key in keys)
    assert site.splunk.evicted == [f"web~1~{name[-36:]}"]


def test_again_there_is_nothing_to_do(site: Site) -> None:
    site.splunk.add_index("web")
    for number in range(3):
        site.archive("web", number)
    site.run()
    before = site.uploaded(), dict(site.splunk.seen)

    told = site.run()

    assert (told["skipped"], told["done"], told["restarts"]) == (3, 0, 0)
    assert (site.uploaded(), dict(site.splunk.seen)) == before


def test_all_kinds_of_buckets_come_back_or_are_told(site: Site) -> None:
    for index in ("web", "a_b-c"):
        site.splunk.add_index(index)
    good = [
        *(site.archive("web", n, codec=c) for n, c in enumerate(("zstd", "gzip", "lz4", "none"))),
        site.archive("web", 10, guid=""),
        site.archive("a_b-c", 11, layout="db/"),
        site.archive("a_b-c", 12, kind="rb"),
    ]
    whole = journal(3000, "zstd")
    bad = {
        site.archive("web", 20, body=whole[:-4]): "middle",
        site.archive("web", 21, body=b"PK" + whole): "no known compression",
        site.archive("web", 22, events=0): "stub",
        site.archive("a_b-c", 23, body=b""): "empty",
    }

    told = site.told(code=1)

    ends = {one["bucket"]: one for one in told if one["event"] == "bucket"}
    assert {name for name in ends if ends[name]["state"] == "done"} == set(good)
    for name, why in bad.items():
        assert ends[name]["state"] == "failed"
        assert why in ends[name]["message"] or "damaged" in ends[name]["message"]
    assert told[-1]["listed"] == len(good) + len(bad)
    again = site.run(code=1)
    assert (again["skipped"], again["failed"], again["restarts"]) == (len(good), len(bad), 0)
    assert max(site.splunk.uploads.values()) == 1


@pytest.mark.slow
def test_waves_keep_to_their_budget(site: Site) -> None:
    site.splunk.add_index("web")
    for number in range(6):
        site.archive("web", number, events=400)

    told = site.run("--wave-buckets", "2")

    assert (told["done"], told["waves"], told["restarts"]) == (6, 3, 3)
    assert site.splunk.seen["restart"] == 3


def test_one_that_is_larger_than_the_budget_is_told(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1, events=400)

    told = site.told("--budget", "100", code=1)

    assert "more than a wave may have" in told[0]["message"]
    assert site.splunk.seen["restart"] == 0


def test_an_archived_one_is_thawed_first(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1, tier="GLACIER")
    site.archive("web", 2)

    assert site.run()["done"] == 2  # The server thaws in no time, and refuses to read before.


def test_one_that_splunk_would_delete_is_not_restored(site: Site) -> None:
    site.splunk.add_index("web", frozenTimePeriodInSecs=86400 * 365)
    site.archive("web", 1)

    told = site.told(code=1)

    assert "would delete it again" in told[0]["message"]
    assert site.uploaded() == []
    assert site.splunk.seen["restart"] == 0


def test_what_others_have_in_their_cache_is_not_evicted(site: Site) -> None:
    """A receipt and a local copy, and none of it ours: Splunk's own bucket."""
    home = site.splunk.add_index("web")
    name = site.archive("web", 1)
    site.run()
    state = site.desk.here / "state"
    for path in state.glob("splunk-*/buckets/web/*.json"):
        path.unlink()
    (home / name / "rawdata" / "journal.zst").write_bytes(b"cached again")
    evicted = list(site.splunk.evicted)

    assert site.run()["skipped"] == 1
    assert site.splunk.evicted == evicted


def test_splunk_counts_all_of_a_wave_in_one_question(site: Site) -> None:
    for index in ("web", "mail"):
        site.splunk.add_index(index)
    for number in range(3):
        site.archive("web", number)
        site.archive("mail", number)

    told = site.run("--wave-buckets", "3")

    assert (told["done"], told["waves"]) == (6, 2)
    assert site.splunk.seen["search"] == 4  # Before and after the evictions of each.
    report = site.desk.here / "r.json"
    site.desk_status(*site.words()[2:4], "--report", str(report))
    rows = json.loads(report.read_text())
    assert {(row["counted_before"], row["counted_after"]) for row in rows} == {(50, 50)}
    assert {row["proof"] for row in rows} == {"etag"}


def test_one_that_splunk_no_longer_finds_whole_is_not_done(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)
    site.splunk.faults["forgets"] = 1

    told = site.told(code=1)

    assert "Splunk counts 49 events in it, its journal has 50" in told[0]["message"]
    del site.splunk.faults["forgets"]
    assert site.run()["done"] == 1
    assert len(site.splunk.evicted) == 1
