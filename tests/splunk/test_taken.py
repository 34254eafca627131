"""Ids that another bucket has: neither restored over it, nor taken for restored because of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.engines.splunk.archive import scan
from bucketline.model import Entry
from splunk.double import GUID
from splunk.journals import journal
from splunk.receipting import receipt, spoilt
from splunk.site import ORIGIN, Site

OTHERS = f"db_1790000000_1780000000_1_{GUID}"


@pytest.fixture
def home(site: Site) -> Path:
    return site.splunk.add_index("web")


def told_of_one(site: Site, *words: str, code: int) -> dict[str, str]:
    bucket, summary = site.told(*words, code=code)
    assert summary["listed"] == 1
    return bucket


def receipt_of(site: Site, identity: str, path: str, how: str = "") -> None:
    """One that another run, or Splunk itself, has left."""
    spread = hashlib.sha1(identity.encode()).hexdigest()
    objects = {"rawdata/journal.zst": 1}
    told = {"bid": f"web~{identity}", "path": path, "uploader": GUID}
    text = receipt(objects, **told, events=1, raw_size=1)
    key = f"s2/web/db/{spread[:2]}/{spread[2:4]}/{identity}/receipt.json"
    site.put(key, spoilt(text, how) if how else text)


@pytest.mark.parametrize(
    ("below", "folder"),
    [
        ("db", OTHERS),
        ("db", "hot_v1_1"),
        ("db", "hot_quar_v1_1"),
        ("db", f"1_{GUID}"),
        ("colddb", "db_1790000000_1780000000_1"),
        ("thaweddb", OTHERS),
    ],
)
def test_an_id_that_another_bucket_has_here_is_not_given_again(
    site: Site, home: Path, below: str, folder: str
) -> None:
    site.splunk.indexes["web"]["coldPath_expanded"] = str(home.parent / "colddb")
    (home.parent / below / folder).mkdir(parents=True)
    site.archive("web", 1, guid="")

    told = told_of_one(site, code=1)

    assert f"its id is that of {folder}, which is here" in told["message"]
    assert site.splunk.seen["restart"] == 0
    assert site.uploaded() == []


def test_others_take_no_id(site: Site, home: Path) -> None:
    for folder in ("db_2_1_2", "DISABLED-db_2_1_1", "db_2_1_1_" + ORIGIN, "x"):
        (home / folder).mkdir()
    site.archive("web", 1, guid="")

    assert site.run()["done"] == 1


def test_one_that_smartstore_holds_under_the_same_id_is_not_taken_for_it(
    site: Site, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.archive("web", 1, guid="")
    receipt_of(site, f"1~{GUID}", OTHERS)

    told = told_of_one(site, code=1)

    assert f"its id is that of {OTHERS}, which SmartStore holds" in told["message"]
    words = site.words()
    words[1] = "plan"
    drop = words.index("--poll")
    del words[drop : drop + 3 + 2]
    assert main(words) == 3
    assert "which SmartStore holds" in capsys.readouterr().out


@pytest.mark.parametrize(("how", "said"), [("bad hash", "does not fit"), ("frozen", "frozen")])
def test_a_receipt_that_does_not_hold_is_no_restored_bucket(
    site: Site, home: Path, how: str, said: str
) -> None:
    name = site.archive("web", 1)
    receipt_of(site, f"1~{ORIGIN}", name, how)

    told = told_of_one(site, code=1)

    assert told["state"] == "failed"
    assert said in told["message"]
    assert [*home.iterdir()] == []


def test_one_that_is_done_and_whose_receipt_is_spoilt_since_is_told(site: Site, home: Path) -> None:
    name = site.archive("web", 1)
    site.run()
    receipt_of(site, f"1~{ORIGIN}", name, "bad hash")

    assert "does not fit" in told_of_one(site, code=1)["message"]


def test_two_originals_with_one_id_are_both_told(site: Site, home: Path) -> None:
    site.archive("web", 1)
    other = f"db_1700000000_1690000000_1_{ORIGIN}"
    site.put(f"ddss/web/{other}/rawdata/journal.zst", journal(5))

    told = site.told(code=1)

    assert [one["state"] for one in told[:-1]] == ["failed", "failed"]
    assert told[-1]["failed"] == told[-1]["listed"] == 2
    assert [*home.iterdir()] == []


def test_of_copies_one_is_left_and_what_differs_is_kept() -> None:
    name, replica = f"db_200_100_1_{ORIGIN}", f"rb_200_100_1_{ORIGIN}"
    journals = {f"web/{name}": 5, f"web/db/{name}": 5, f"web/{replica}": 4}
    same = scan([Entry(f"{key}/rawdata/journal.gz", size) for key, size in journals.items()], "")
    journals[f"web/db/{name}"] = 3
    other = scan([Entry(f"{key}/rawdata/journal.gz", size) for key, size in journals.items()], "")

    assert ([one.folder for one in same.buckets], same.replicas) == ([f"web/{name}/"], 2)
    assert [one.folder for one in other.buckets] == [f"web/db/{name}/", f"web/{name}/"]


@pytest.mark.parametrize("second", ["journal.gz", "0"])
def test_one_with_two_journals_is_not_guessed_at(site: Site, home: Path, second: str) -> None:
    name = site.archive("web", 1)
    site.put(f"ddss/web/{name}/rawdata/{second}", journal(7, "gzip"))

    assert "more than one journal" in told_of_one(site, code=1)["message"]


def test_one_that_is_done_stays_done_when_its_time_comes_near(site: Site, home: Path) -> None:
    """That the index will let go of it is no fault of the restore."""
    site.archive("web", 1)
    site.run()
    site.splunk.indexes["web"]["frozenTimePeriodInSecs"] = 60

    assert site.run()["skipped"] == 1
