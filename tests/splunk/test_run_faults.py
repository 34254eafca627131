"""What Splunk may do wrong: the right state, the right message, and nothing lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trustme

from bucketline.cli import main
from bucketline.flow.ledger.place import Lock
from splunk.site import ORIGIN, Site

BID = f"web~1~{ORIGIN}"


@pytest.fixture
def one(site: Site) -> Site:
    """An archive with one bucket."""
    site.splunk.add_index("web")
    site.archive("web", 1)
    return site


def ended(site: Site, *words: str, code: int) -> dict[str, Any]:
    """How the bucket ended; the counters add up."""
    *buckets, summary = site.told(*words, code=code)
    parts = ("skipped", "done", "failed", "waiting")
    assert summary["listed"] == sum(summary[part] for part in parts) == 1
    return buckets[-1]


def break_rebuild(site: Site, how: str) -> None:
    (site.splunk.home / "faults.json").write_text(json.dumps({"_1_": how} if how else {}))


def comes_back(site: Site) -> None:
    """Healed, the next run ends as if nothing had been."""
    assert ended(site, code=0)["state"] == "done"
    assert site.splunk.evicted == [BID]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("fails", "ends with 1"),
        ("no tsidx", "no tsidx file"),
        ("hangs", "no end in"),
        ("empties *.tsidx", "no tsidx file"),
        ("empties Hosts.data", "no Hosts.data"),
        ("empties bucket_info.csv", "no bucket_info.csv"),
    ],
)
def test_a_rebuild_that_goes_wrong(one: Site, how: str, said: str) -> None:
    break_rebuild(one, how)

    found = ended(one, "--rebuild-timeout", "2", code=1)

    assert found["state"] == "failed"
    assert said in found["message"]
    assert one.splunk.seen["restart"] == 0
    assert [*(one.splunk.home / "indexes/web/db").iterdir()] == []
    assert [*(one.splunk.home / "indexes/web/bucketline-staging").iterdir()] == []
    break_rebuild(one, "")
    comes_back(one)


def test_a_rebuild_that_loses_an_event_is_never_evicted(one: Site) -> None:
    break_rebuild(one, "loses an event")

    found = ended(one, code=4)

    assert "counts 49 events, its journal has 50" in found["message"]
    assert one.splunk.evicted == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("stuck", "there is no receipt"),
        ("no receipt", "there is no receipt"),
        ("lacks an object", "is missing"),
        ("cuts an object", "bytes, not"),
        ("bad hash", "content_hash does not fit"),
        ("foreign", "not by this server"),
        ("frozen", "ignore and delete"),
    ],
)
def test_an_upload_that_is_not_whole_is_not_evicted(one: Site, how: str, said: str) -> None:
    one.splunk.faults[BID] = how

    found = ended(one, code=4)

    assert found["state"] == "waiting"
    assert said in found["message"]
    assert one.splunk.evicted == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stuck", "no receipt"])
def test_an_upload_that_did_not_happen_is_asked_for_again(one: Site, how: str) -> None:
    one.splunk.faults[BID] = how
    ended(one, code=4)
    del one.splunk.faults[BID]

    comes_back(one)
    assert one.splunk.seen["restart"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "status"), [("register", 400), ("register", 409), ("attach", 404), ("evict", 400)]
)
def test_a_refusal_is_told_and_the_next_run_goes_on(one: Site, verb: str, status: int) -> None:
    one.splunk.faults[verb] = {BID: 99, "status": status}

    found = ended(one, code=1)

    assert f"Splunk answers {status}" in found["message"]
    assert one.splunk.evicted == []
    del one.splunk.faults[verb]
    comes_back(one)
    assert one.splunk.uploads[BID] == 1
    assert one.splunk.seen["restart"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["register", "attach", "close", "evict"])
def test_a_fault_that_passes_is_not_noticed(one: Site, verb: str) -> None:
    one.splunk.faults[verb] = {BID: 1, "status": 503}

    comes_back(one)


def test_a_200_is_no_eviction(one: Site) -> None:
    one.splunk.faults["evict declined"] = {BID: 10**6}

    found = ended(one, code=4)

    assert "keeps it in its cache" in found["message"]
    one.splunk.faults["evict declined"] = {BID: 1}
    comes_back(one)
    assert one.splunk.uploads[BID] == 1


def test_a_journal_that_arrived_with_other_bytes_is_not_evicted(one: Site) -> None:
    """Its size is right, its receipt fits; what S3 tells of it does not."""
    one.splunk.faults[BID] = "flips the journal"

    found = ended(one, code=1)

    assert "rawdata/journal.zst has other bytes than" in found["message"]
    assert one.splunk.evicted == []


def test_what_was_proven_once_is_proven_again_before_it_is_asked_to_go_again(one: Site) -> None:
    """Splunk declines, and meanwhile SmartStore loses an object."""
    one.splunk.faults["evict declined"] = {BID: 1}
    one.splunk.faults["loses when it declines"] = ".tsidx"

    found = ended(one, code=1)

    assert "is missing" in found["message"]
    assert (one.splunk.evicted, one.splunk.careless) == ([], [])


@pytest.mark.slow
def test_a_splunk_that_does_not_come_back_is_told(
    one: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    one.splunk.faults["never back"] = True
    ended_code = main(_words(one, "--restart-timeout", "0.1"))
    assert ended_code == 6
    assert "listed 1 · skipped 0 · done 0 · failed 0 · waiting 1" in capsys.readouterr().err

    one.splunk.faults.clear()
    one.splunk.down = 0
    comes_back(one)


def test_a_bucket_that_splunk_does_not_find_is_told(one: Site) -> None:
    home = one.splunk.home / "indexes/web/db"
    one.splunk.faults["not found"] = [f"db_1651670907_1651669558_1_{ORIGIN}"]

    found = ended(one, code=1)

    assert "404" in found["message"]
    assert len([*home.iterdir()]) == 1
    one.splunk.faults.clear()
    comes_back(one)


def test_a_session_that_ends_is_made_anew(one: Site) -> None:
    one.splunk.faults["sessions end after"] = 3

    comes_back(one)


def test_hash_folders_in_upper_case_are_found(one: Site) -> None:
    one.splunk.faults["upper"] = True

    comes_back(one)
    assert one.run()["skipped"] == 1


def test_a_stranger_is_not_spoken_to(one: Site, capsys: pytest.CaptureFixture[str]) -> None:
    trustme.CA().cert_pem.write_to_path(str(one.splunk.ca_file))

    code = main(_words(one))

    assert code == 5
    assert "Traceback" not in capsys.readouterr().err
    assert one.splunk.asked == 0


@pytest.mark.parametrize(
    ("fault", "value", "said"),
    [
        ("capabilities", ["search"], "may not restart"),
        ("volume", "s3://elsewhere/", "uploads to s3://elsewhere/"),
    ],
)
def test_what_could_not_end_is_not_begun(
    one: Site, fault: str, value: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one.splunk.faults[fault] = value

    assert main(_words(one)) == 7
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("remotePath", "", "no SmartStore index"),
        ("disabled", True, "is disabled"),
        ("datatype", "metric", "stubs"),
        ("maxGlobalRawDataSizeMB", 1, "above maxGlobalRawDataSizeMB (1)"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(
    one: Site, key: str, value: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one.splunk.indexes["web"] |= {key: value, "currentDBSizeMB": 1}

    assert main(_words(one)) == 7
    assert said in capsys.readouterr().err


def test_a_member_of_a_cluster_is_refused(one: Site) -> None:
    one.splunk.info["server_roles"] = ["indexer", "cluster_peer"]

    assert main(_words(one)) == 7
    assert ended(one, "--on-cluster", code=0)["state"] == "done"


def test_more_indexes_than_a_page_has(one: Site) -> None:
    for number in range(40):
        one.splunk.add_index(f"a{number:02}")

    comes_back(one)


def test_two_at_once_exclude_each_other(one: Site) -> None:
    one.run()
    folder = next((one.desk.here / "state").glob("splunk-*"))
    lock = Lock.take(folder / "run")

    assert main(_words(one)) == 7
    lock.release()


def test_what_is_there_already_is_not_overwritten(one: Site) -> None:
    path = one.splunk.home / f"indexes/web/db/db_1651670907_1651669558_1_{ORIGIN}"
    path.mkdir()
    (path / "mine").write_text("x")

    assert "is there already" in ended(one, code=1)["message"]
    assert (path / "mine").read_text() == "x"


def _words(site: Site, *more: str) -> list[str]:
    return [*site.words(), *more]
