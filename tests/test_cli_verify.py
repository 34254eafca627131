"""`bucketline verify`, as a person meets it: real servers, real files, damage at rest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.clock import SystemClock
from desk import Desk

pytestmark = pytest.mark.usefixtures("surroundings")


def spoil(file: Path) -> None:
    """As a disk does it: another byte, and no new time."""
    status = file.stat()
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def copied(desk: Desk) -> Desk:
    """Five objects in a bucket, which a sync has brought into the folder `back`."""
    for number in range(5):
        desk.object(f"d/k{number}", b"body %d" % number)
    desk.sync(desk.s3, "back")
    return desk


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(lines: list[dict[str, Any]]) -> dict[str, str]:
    """What was said of each object that is not as it was."""
    return {line["key"]: line.get("cause", "ok") for line in lines if line["event"] == "object"}


def test_what_was_delivered_is_verified_and_the_counters_add_up(copied: Desk) -> None:
    *lines, summary = copied.run("verify", "last")
    assert {line["proof"] for line in lines} == {"readback"}
    names = ("verified", "damaged", "missing", "replaced", "unreadable", "waiting", "skipped")
    assert summary["listed"] == sum(summary[name] for name in names) == summary["verified"] == 5


def test_damage_at_rest_is_found_told_and_repaired(
    copied: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(copied.here / "back/d/k3")
    *lines, summary = copied.run("verify", "last", code=3)
    assert (summary["damaged"], summary["verified"]) == (1, 4)
    assert told(lines)["d/k3"] == "Damaged"

    assert main(["runs", "errors", "last"]) == 0
    assert "1 failed: Damaged: Repair it: `bucketline runs errors" in capsys.readouterr().out
    assert main(["runs", "errors", "last", "-o", "findings"]) == 0
    assert [json.loads(line)["key"] for line in Path("findings").read_text().splitlines()] == [
        "d/k3"
    ]
    capsys.readouterr()
    repaired = copied.sync(copied.s3, "back", "--compare", "checksum", "--only", "findings")
    assert (repaired["done"], repaired["listed"]) == (1, 1)

    assert copied.run("verify", "back")[-1]["verified"] == 5


def test_what_is_gone_or_was_written_again_is_told_apart(copied: Desk) -> None:
    (copied.here / "back/d/k0").unlink()
    (copied.here / "back/d/k1").write_bytes(b"somebody's newer text")
    (copied.here / "back/d/k2").write_bytes(b"body 2")
    *lines, summary = copied.run("verify", "last", code=3)
    assert told(lines) | {"d/k3": "ok", "d/k4": "ok"} == told(lines)
    assert [told(lines)[f"d/k{n}"] for n in range(3)] == ["Missing", "Replaced", "ok"]
    assert (summary["missing"], summary["replaced"], summary["damaged"]) == (1, 1, 0)


def test_what_others_replaced_is_no_finding(copied: Desk) -> None:
    (copied.here / "back/d/k1").write_bytes(b"somebody's newer text")
    assert copied.run("verify", "last")[-1]["replaced"] == 1


def test_a_verification_of_nothing_is_no_success(copied: Desk) -> None:
    assert copied.sync(copied.s3, "back")["done"] == 0
    summary = copied.run("verify", "last", code=3)[-1]
    assert (summary["listed"], summary["verified"]) == (0, 0)
    copied.run("verify", "elsewhere/", code=2)


def test_a_place_that_is_gone_is_no_place_where_all_is_missing(copied: Desk) -> None:
    (copied.here / "back").rename(copied.here / "unmounted")
    copied.run("verify", "last", code=2)


def test_a_location_has_what_every_run_delivered_and_nothing_deleted_since(copied: Desk) -> None:
    copied.object("d/k9", b"more")
    copied.object("d/k0", b"body 0, newer")
    copied.sync(copied.s3, "back")
    (copied.here / "back/d/k0").write_bytes(b"body 0")  # What the first run had brought.
    assert copied.run("verify", "back")[-1]["verified"] == 5
    assert copied.run("verify", "back")[-1]["replaced"] == 1
    assert copied.run("verify", "back/d/")[-1]["listed"] == 6
    assert copied.run("verify", "back/d/k9")[-1]["verified"] == 1
    assert copied.run("verify", ".")[-1]["listed"] == 6


def test_a_ledger_that_cannot_be_read_is_told_and_its_deliveries_are_not_called_verified(
    copied: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = next(copied.state.glob("sync-*.ledger"))
    copied.file("other/x", b"x")
    copied.sync(f"{copied.folder}/other", "back/other")
    ledger.write_bytes(b"garbage" * 200)

    code = main(["verify", "back"])

    out, said = capsys.readouterr()
    assert (code, "verified 1 " in out) == (6, True)
    assert f"what it knows of is not verified: {ledger}: it is damaged" in said
    copied.run("verify", "back", "-n", code=6)
    copied.run("check", "ledger:back", "back", code=6)
    copied.run("verify", "last", code=6)
    assert main(["runs", "list", "--limit", "1"]) == 0
    assert "unreadable" in capsys.readouterr().out


def test_a_bucket_is_verified_by_the_run_and_by_its_prefix(desk: Desk) -> None:
    for number in range(4):
        desk.file(f"f{number}", b"x" * number)
    desk.sync("folder/", f"{desk.s3}in/")
    assert desk.run("verify", "last")[-1]["verified"] == 4
    assert desk.run("verify", f"{desk.s3}in/")[-1]["verified"] == 4
    assert desk.run("verify", f"{desk.s3}in/f1")[-1]["verified"] == 1
    assert desk.run("verify", f"{desk.s3}in/", "--method", "checksum")[-1]["verified"] == 4
    desk.run("verify", f"{desk.s3}i", code=3)


def test_a_sample_is_drawn_again_by_its_seed(copied: Desk) -> None:
    *lines, summary = copied.run("verify", "last", "--sample", "2")
    assert (summary["verified"], summary["skipped"], summary["listed"]) == (2, 3, 5)
    *again, _ = copied.run("verify", "last", "--sample", "2", "--seed", summary["seed"])
    assert sorted(told(lines)) == sorted(told(again))
    copied.run("verify", "last", "--sample", "0", code=2)
    copied.run("verify", "last", "--sample", "200%", code=2)


def test_a_dry_run_looks_at_nothing(copied: Desk) -> None:
    spoil(copied.here / "back/d/k3")
    *lines, plan = copied.run("verify", "last", "-n")
    assert [line["key"] for line in lines] == [f"d/k{n}" for n in range(5)]
    assert (plan["objects"], plan["skipped"]) == (5, 0)


def test_a_dry_run_tells_when_each_was_verified_last(copied: Desk) -> None:
    *lines, _ = copied.run("verify", "last", "-n")
    assert {line["last_verified"] for line in lines} == {None}
    began = SystemClock().now()
    copied.run("verify", "last")
    *lines, _ = copied.run("verify", "last", "-n")
    assert len(lines) == 5
    assert all(line["last_verified"] >= began for line in lines)


def test_a_verification_is_a_run_like_any_other(copied: Desk) -> None:
    copied.run("verify", "last")
    assert copied.run("verify", "last")[-1]["verified"] == 5  # The sync's, not the last of all.
