"""The plan, against a real server."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.engines.splunk.archive import Archived, scan
from bucketline.engines.splunk.names import parse
from bucketline.engines.splunk.planning import Planned, retention_trap, size_trap
from bucketline.engines.splunk.rest import Index
from bucketline.flow.drive import blocking
from bucketline.model import Attributes, Entry
from desk import Desk
from splunk.journals import journal
from splunk.receipting import receipt

GUID = "CEB1E2B6-34F2-40EB-A2EF-10C5531556F9"
OTHER = "33A1AEFB-8C83-4005-80F0-6BEBC769EBE0"


def put(desk: Desk, key: str, body: bytes, tier: str = "") -> None:
    blocking(desk.store.write(key, body, attributes=Attributes(tier=tier)))


def plan(desk: Desk, *words: str, code: int = 0) -> dict[str, dict[str, object]]:
    """What is told of each index."""
    told = desk.run("splunk", "plan", f"{desk.s3}ddss/", f"{desk.s3}s2/", *words, code=code)
    return {str(one["index"]): one for one in told if one["event"] == "index"}


def test_each_index_is_counted(desk: Desk) -> None:
    body = journal(100)
    put(desk, f"ddss/web/db_200_100_1_{GUID}/rawdata/journal.zst", body)
    put(desk, f"ddss/web/db_200_100_1_{GUID}/rawdata/deletes/x.csv.gz", b"abc")
    put(desk, f"ddss/web/rb_200_100_1_{GUID}/rawdata/journal.zst", body)
    put(desk, f"ddss/web/db_300_250_2_{GUID}/rawdata/journal.zst", body, "GLACIER")
    put(desk, f"ddss/a_b-c/db/db_20_10_7_{OTHER}/rawdata/journal.gz", body)
    put(desk, "ddss/a_b-c/db/db_20_10_8/rawdata/deletes/x", b"x")
    put(desk, f"s2/web/db/{_folder(f'1~{GUID}')}/receipt.json", _receipt("web"))

    found = plan(desk, "--structure", str(desk.here / "b.json"), code=3)

    assert found["web"]["buckets"] == 2
    assert found["web"]["statuses"] == {"done": 1, "todo": 1}
    assert found["web"]["tiers"] == {"STANDARD": len(body) + 3, "GLACIER": len(body)}
    assert (found["web"]["thaw_bytes"], found["web"]["thaw_requests"]) == (len(body), 1)
    assert found["web"]["restored_bytes"] == int(len(body) * 3.5)
    assert (found["web"]["oldest"], found["web"]["newest"]) == (100, 300)
    assert found["a_b-c"]["flaws"] == {"it has no journal": 1}
    structure = json.loads((desk.here / "b.json").read_text())
    assert {"bucket": f"db_200_100_1_{GUID}", "status": "done"} in structure["web"]


def test_buckets_are_chosen_by_index_time_name_and_number(desk: Desk) -> None:
    for number in range(5):
        newest, oldest = 100 * number + 90, 100 * number
        name = f"db_{newest}_{oldest}_{number}_{GUID}"
        put(desk, f"ddss/web/{name}/rawdata/journal.zst", b"x" * 10)
        put(desk, f"ddss/other/{name}/rawdata/journal.zst", b"x" * 10)
    wanted = desk.here / "wanted"
    wanted.write_text(f"# two of them\nweb~1~{GUID}\ndb_290_200_2_{GUID}  # by folder\n")

    assert plan(desk, "--index", "w*")["web"]["buckets"] == 5
    assert set(plan(desk, "--exclude-index", "web")) == {"other"}
    assert plan(desk, "--from", "190", "--to", "1970-01-01T00:05:00Z")["web"]["buckets"] == 3
    assert plan(desk, "--only", str(wanted), "--index", "web")["web"]["buckets"] == 2
    last = plan(desk, "--index", "web", "--limit", "2", "--newest-first")["web"]
    assert (last["buckets"], last["oldest"]) == (2, 300)


def test_a_time_without_a_timezone_is_refused(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["splunk", "plan", desk.s3, "--from", "2024-05-04T10:00:00"])

    assert code == 2
    assert "no timezone" in capsys.readouterr().err


def test_what_is_here_with_its_journal_waits_for_its_upload(desk: Desk) -> None:
    name = f"db_200_100_1_{GUID}"
    put(desk, f"ddss/web/{name}/rawdata/journal.zst", b"x")
    bucket = desk.here / "indexes" / "web" / "db" / name
    (bucket / "rawdata").mkdir(parents=True)
    (bucket / "Hosts.data").write_bytes(b"")  # An evicted bucket keeps this one.

    assert plan(desk, "--local", str(desk.here / "indexes"))["web"]["statuses"] == {"todo": 1}
    (bucket / "rawdata" / "journal.zst").write_bytes(b"x")
    found = plan(desk, "--local", str(desk.here / "indexes"))["web"]
    assert found["statuses"] == {"pendingupload": 1}


def test_two_buckets_with_one_id_are_refused(desk: Desk) -> None:
    put(desk, "ddss/web/db_200_100_1/rawdata/journal.zst", b"x")
    put(desk, "ddss/web/db_900_800_1/rawdata/journal.zst", b"x")

    flaws = plan(desk, code=3)["web"]["flaws"]

    assert isinstance(flaws, dict)
    assert sum(flaws.values()) == 2
    assert all("its id is that of" in flaw for flaw in flaws)


INDEX = Index("web", "", "", "", "", 86400 * 3650, 0, 0, 0, False, False, True)


def planned(number: int, *, has_receipt: bool = False) -> Planned:
    name = parse(f"db_200_100_{number}_{GUID}")
    assert name is not None
    journal_of_10_mib = Entry(f"web/{name.text}/rawdata/journal.gz", 10 << 20)
    bucket = Archived("web", name, f"web/{name.text}/", [journal_of_10_mib])
    return Planned(bucket, f"web~{number}~{GUID}", has_receipt=has_receipt)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_global_mb": 105}, ""),
        ({"max_global_mb": 104}, "70 MB and 35 more are above maxGlobalDataSizeMB (104)"),
        ({"max_global_mb": 134, "size_mb": 100}, "100 MB and 35 more are above"),
        ({"max_raw_mb": 189}, ""),
        ({"max_raw_mb": 188}, "126 MB and 63 more are above maxGlobalRawDataSizeMB (188)"),
    ],
)
def test_what_was_restored_and_evicted_counts_for_an_indexs_limits(
    limits: dict[str, Any], said: str
) -> None:
    """An index's size, as Splunk tells it, may be of what is on the disk alone."""
    there = [planned(number, has_receipt=number > 0) for number in range(3)]

    trap = size_trap(there, replace(INDEX, **limits))

    assert (trap[: len(said)], bool(trap)) == (said, bool(said))
    assert size_trap(there[1:], replace(INDEX, **limits)) == "", "nothing would be added"


@pytest.mark.parametrize(("seconds", "is_trap"), [(-1, False), (0, True), (1, True)])
def test_an_index_that_keeps_nothing_is_a_trap(seconds: int, is_trap: bool) -> None:
    trap = retention_trap(planned(1).bucket, replace(INDEX, frozen_seconds=seconds), 1e9)

    assert bool(trap) is is_trap


def test_keys_of_strangers_are_told_and_never_followed() -> None:
    keys = ["r/../x/db_2_1_0/rawdata/journal", "r/web/db_2_1_0/../../y", "r/readme", "r/web/"]

    found = scan([Entry(key, 1) for key in keys], "r/")

    assert found.buckets == []
    assert found.strange == keys[:3]


def _folder(identity: str) -> str:
    spread = hashlib.sha1(identity.encode()).hexdigest()
    return f"{spread[:2]}/{spread[2:4]}/{identity}"


def _receipt(index: str) -> bytes:
    return receipt(
        {"rawdata/journal.zst": 1},
        bid=f"{index}~1~{GUID}",
        path="db_200_100_1",
        uploader=GUID,
        events=1,
        raw_size=1,
    )
