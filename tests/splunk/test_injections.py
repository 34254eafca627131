"""Faults that take a stage of their own: disks, storms, thaws, retention, lost answers, clocks."""

from __future__ import annotations

import datetime as dt
import json
import shutil

import pytest

from bucketline.cli import main
from bucketline.flow.drive import blocking
from disks import needs_root, tmpfs
from faults.kinds import slow_down
from faults.proxy import FaultProxy
from splunk.double import GUID, STRANGER
from splunk.injected import BID, comes_back, ended
from splunk.journals import journal
from splunk.site import ORIGIN, Site


@needs_root
@pytest.mark.slow
def test_f3_a_full_disk_leaves_nothing_behind(site: Site) -> None:
    """The reserve is the least that can be: what Splunk writes is more than was foreseen."""
    home = site.splunk.add_index("web")
    body = journal(4000, "none")
    for number in (1, 2):
        site.archive("web", number, codec="none", body=body)
    (site.splunk.home / "faults.json").write_text(json.dumps({"_1_": "grows", "_2_": "grows"}))

    with tmpfs(home.parent, 1):
        home.mkdir()
        told = site.told("--wave-buckets", "1", code=1)
        left = [path for path in home.parent.rglob("*") if path.is_file()]
        assert left == []
        messages = [one["message"] for one in told if one["event"] == "bucket"]
        assert all("full" in message or "bytes are free" in message for message in messages)
        assert told[-1]["failed"] == 2
    home.mkdir(exist_ok=True)
    (site.splunk.home / "faults.json").write_text("{}")
    assert site.run()["done"] == 2


@pytest.mark.parametrize("status", ["idle", "queued"])
def test_f9_an_upload_in_its_own_time_is_waited_for_whatever_is_told_of_it(
    one: Site, status: str
) -> None:
    one.splunk.faults["asynchronous"] = status

    told = one.told("--upload-timeout", "20")

    assert told[-1]["done"] == 1
    assert one.splunk.uploads[BID] == 1
    assert one.splunk.evicted == [BID]


def test_f10_a_storm_while_splunk_uploads_is_waited_out(one: Site) -> None:
    one.splunk.faults["asynchronous"] = "uploading"
    with FaultProxy(one.desk.url) as proxy:
        one.splunk.upload_to(proxy.url)
        proxy.add(slow_down(), method="PUT", times=7)

        told = one.told("--upload-timeout", "20")

    assert told[-1]["done"] == 1
    assert one.splunk.refused == 7
    assert one.splunk.uploads[BID] == 1


def test_f13_an_index_that_the_start_disables_is_told(one: Site) -> None:
    one.splunk.faults["disabled by a start"] = ["web"]

    found = ended(one, code=1)

    assert "disabled its index" in found["message"]
    assert one.uploaded() == []
    one.splunk.faults.clear()
    one.splunk.indexes["web"]["disabled"] = False
    comes_back(one)


def test_f13_a_slow_start_is_waited_for(one: Site) -> None:
    one.splunk.faults["slow"] = 40

    comes_back(one)
    assert one.splunk.seen["restart"] == 1


@pytest.mark.parametrize("what", ["another name", "expired"])
def test_f15_a_certificate_that_does_not_hold_is_not_spoken_to(
    one: Site, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    authority = one.splunk.authority
    if what == "expired":
        past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        made = authority.issue_cert("127.0.0.1", not_before=past, not_after=past)
    else:
        made = authority.issue_cert("splunk.example")
    made.configure_cert(one.splunk.tls)

    code = main(one.words())

    assert code == 5
    error = capsys.readouterr().err
    assert "certificate" in error
    assert "Traceback" not in error
    assert one.splunk.asked == 0


@pytest.mark.parametrize("verb", ["register", "attach", "close", "evict"])
@pytest.mark.parametrize("upload", ["", "uploading"])
def test_f16_an_answer_that_is_lost_is_no_reason_to_upload_twice(
    one: Site, verb: str, upload: str
) -> None:
    one.splunk.faults["asynchronous"] = upload
    verb = "bid|" + BID + "|" if verb == "register" else verb
    one.splunk.faults["resets after"] = {verb: 1}

    told = one.told("--upload-timeout", "20")

    assert told[-1]["done"] == 1
    assert one.splunk.uploads[BID] == 1
    assert one.splunk.evicted == [BID]


@pytest.mark.parametrize("slow", [0, 2])
def test_f16_a_restart_whose_answer_is_lost_is_not_asked_for_again(one: Site, slow: int) -> None:
    """Splunk may go down before it has answered, and be back at once."""
    one.splunk.faults |= {"resets after": {"restart": 1}, "slow": slow}

    assert one.run()["done"] == 1
    assert one.splunk.seen["restart"] == 1


def test_f18_what_is_gone_after_all_was_done_is_told_once_more_and_left(one: Site) -> None:
    comes_back(one)
    one.splunk.freeze(one.splunk.known[BID])

    found = ended(one, code=1)

    assert "is gone since" in found["message"]
    assert one.splunk.uploads[BID] == 1
    assert ended(one, "--retry-quarantined", code=0)["state"] == "done"
    assert one.splunk.uploads[BID] == 2


def test_f19_a_second_copy_beside_it_changes_nothing(one: Site) -> None:
    """Another server uploaded the same bucket before, and died before its receipt."""
    comes_back(one)
    receipt = next(key for key in (e.key for e in one.uploaded()) if key.endswith("receipt.json"))
    folder = receipt.removesuffix("receipt.json")
    blocking(one.desk.store.write(f"{folder}guidSplunk-{STRANGER}/rawdata/journal.zst", b"other"))

    assert one.run()["skipped"] == 1
    words = one.words()[2:4]
    assert one.desk.run("splunk", "check", *words)[0]["flaw"] == ""


def test_f19_of_two_copies_the_receipt_names_ours(one: Site) -> None:
    folder = f"s2/web/db/ff/ff/1~{ORIGIN}/guidSplunk-{STRANGER}/rawdata/journal.zst"
    blocking(one.desk.store.write(folder, b"other"))

    comes_back(one)
    assert any(f"guidSplunk-{GUID}" in entry.key for entry in one.uploaded())


def test_f25_clocks_that_differ_are_told_before_anything_is_begun(
    one: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    one.splunk.faults["skew"] = -86_400

    assert main(one.words()) == 7
    assert "s apart" in capsys.readouterr().err
    one.splunk.faults.clear()
    comes_back(one)


def test_errors_in_atom_are_read(one: Site) -> None:
    one.splunk.faults["atom"] = (400,)
    one.splunk.faults["attach"] = {BID: 9, "status": 400}

    assert "Splunk answers 400: injected" in ended(one, code=1)["message"]


def test_who_does_not_answer_as_splunk_is_told(
    one: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    one.splunk.faults["atom"] = (200,)

    assert main(one.words()) == 5
    assert "management port" in capsys.readouterr().err


def test_a_start_from_nothing_still_ends_well(one: Site) -> None:
    """All that was remembered is lost in the middle: what SmartStore has is not uploaded again."""
    comes_back(one)
    shutil.rmtree(one.desk.state)

    assert one.run()["skipped"] == 1
    assert one.splunk.uploads[BID] == 1
