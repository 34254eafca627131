"""`bucketline plan` on real servers: saved, looked at, carried out, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.flow.plans import SavedPlan
from bucketline.model import Copy
from bucketline.stores.s3 import S3Store
from contracts.hostile import HOSTILE
from desk import Desk
from faults.syncing import client_of
from inventories import Written, row, written
from servers import SECRET_KEY, Endpoint, Park
from test_cli_inventory import bucket_of, laid

pytestmark = pytest.mark.usefixtures("surroundings")
LOST = ("line-feed", "both-line-ends")  # moto has no such keys.
KEYS = sorted({key for case, keys in HOSTILE.items() if case not in LOST for key in keys})


def held(store: S3Store) -> dict[str, bytes]:
    entries = blocking(store.page()).entries
    return {one.key: blocking(store.read(one.key)).body for one in entries}


def plan_of(desk: Desk, *words: str, code: int = 0) -> Path:
    path = desk.here / "it.plan"
    desk.run("plan", "save", *words, "-o", str(path), code=code)
    return path


def apply(desk: Desk, path: Path, *words: str, code: int = 0) -> dict[str, Any]:
    records = desk.run("plan", "apply", str(path), *words, code=code)
    return next(one for one in reversed(records) if one["event"] in ("summary", "plan"))


@pytest.mark.parametrize(
    "name", ["moto", "ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)]
)
def test_a_plan_of_hostile_keys_is_carried_out_once(
    name: str, tmp_path: Path, park: Park, capsys: pytest.CaptureFixture[str]
) -> None:
    server: Endpoint = park.endpoint(name)
    desk = Desk(tmp_path, server, capsys)
    copy = bucket_of(desk, server, "copy")
    for key in KEYS:
        desk.object(key, key.encode())
    blocking(copy.write("extra", b"x"))
    blocking(copy.write(KEYS[7], b"another"))
    path = plan_of(desk, desk.s3, f"s3://{copy.bucket}/", "--delete")
    desk.object("came later", b"x")

    told = apply(desk, path)

    assert (told["listed"], told["done"]) == (len(KEYS) + 1, len(KEYS) + 1)
    assert held(copy) == {key: key.encode() for key in KEYS}

    told = apply(desk, path)

    assert (told["skipped"], told["done"], told["requests"].get("PUT")) == (len(KEYS) + 1, 0, None)


@pytest.mark.parametrize(
    "name", ["moto", "ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)]
)
def test_a_world_that_moved_is_noticed_on_both_sides(
    name: str, tmp_path: Path, park: Park, capsys: pytest.CaptureFixture[str]
) -> None:
    server: Endpoint = park.endpoint(name)
    desk = Desk(tmp_path, server, capsys)
    copy = bucket_of(desk, server, "copy")
    for key in ("changed", "came", "fits", "gone"):
        desk.object(key, b"as planned")
    blocking(copy.write("extra", b"as planned"))
    path = plan_of(desk, desk.s3, f"s3://{copy.bucket}/", "--delete")
    desk.object("changed", b"not as planned")
    blocking(desk.store.delete("gone"))
    blocking(copy.write("came", b"somebody else's"))
    blocking(copy.write("extra", b"not as planned"))
    before = held(copy)

    told = apply(desk, path, "--dry-run", code=7)
    assert (told["copies"], told["deletes"], told["stale"]) == (1, 0, 4)
    told = apply(desk, path, code=7)
    assert (told["listed"], told["done"]) == (4, 0)
    assert held(copy) == before

    told = apply(desk, path, "--skip-stale", code=7)

    assert (told["listed"], told["done"], told["failed"], told["waiting"]) == (5, 1, 3, 1)
    assert held(copy) == before | {"fits": b"as planned"}


def test_a_sync_after_it_knows_what_was_proven(desk: Desk) -> None:
    desk.object("a", b"x")
    path = plan_of(desk, desk.s3, str(desk.folder))
    apply(desk, path)

    assert desk.calm(desk.s3, str(desk.folder))
    runs = desk_records("runs", "list", "--json", desk=desk)
    assert [one["command"] for one in runs] == ["sync", "plan apply"]


def test_a_plan_holds_no_secret_and_takes_credentials_of_its_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk.object("a", b"x")
    path = plan_of(desk, desk.s3, str(desk.folder))
    text = path.read_text()
    assert SECRET_KEY not in text
    assert "demo-access" not in text
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    credentials = tmp_path / "credentials"
    credentials.write_text(
        f"[today]\naws_access_key_id = demo-access\naws_secret_access_key = {SECRET_KEY}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))

    told = apply(desk, path, "--profile", "today")

    assert told["done"] == 1


def test_the_endpoint_that_was_said_is_remembered(desk: Desk) -> None:
    desk.object("a", b"x")
    path = plan_of(desk, desk.s3, str(desk.folder))

    assert main(["plan", "apply", str(path)]) == 0
    assert (desk.folder / "a").read_bytes() == b"x"


def test_another_endpoint_is_another_place(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.object("a", b"x")
    path = plan_of(desk, desk.s3, str(desk.folder))

    ended = main(["plan", "apply", str(path), "--endpoint-url", "http://127.0.0.1:1"])

    assert ended == 7
    assert "name the endpoint as it was when the plan was saved" in capsys.readouterr().err


def test_a_plan_is_carried_out_from_any_folder(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(desk.here)
    desk.file("sub/a", b"A")
    desk.file("b", b"B")
    path = plan_of(desk, "folder/sub/a", "renamed")
    monkeypatch.chdir(tmp_path.parent)

    told = apply(desk, path)

    assert told["done"] == 1
    assert (desk.here / "renamed").read_bytes() == b"A"


def test_a_single_object_gets_its_new_name(desk: Desk) -> None:
    desk.object("p/a", b"A")

    apply(desk, plan_of(desk, f"{desk.s3}p/a", f"{desk.s3}q/b"))

    assert desk.body("q/b") == b"A"


def test_what_no_key_can_stand_for_holds_deletes_back_as_in_a_sync(desk: Desk) -> None:
    (desk.folder / "good").write_bytes(b"x")
    (desk.folder / "b\udcffad").write_bytes(b"x")
    desk.object("extra", b"x")
    path = plan_of(desk, str(desk.folder), desk.s3, "--delete")

    told = apply(desk, path, code=1)

    assert (told["done"], told["failed"], told["waiting"]) == (1, 1, 1)
    assert desk.body("extra") == b"x"


def test_a_refused_plan_is_written_and_not_carried_out(desk: Desk) -> None:
    desk.object("extra", b"x")
    path = plan_of(desk, str(desk.folder), desk.s3, "--delete", code=7)

    assert "the source is empty" in SavedPlan.open(path).totals.refusal
    desk.run("plan", "apply", str(path), code=7)
    assert desk.body("extra") == b"x"


def versioned(desk: Desk, server: Endpoint, *keys: str) -> Written:
    """The bucket keeps versions from now on; an inventory of it that tells them."""
    client = client_of(server)
    client.put_bucket_versioning(Bucket=desk.bucket, VersioningConfiguration={"Status": "Enabled"})
    rows = []
    for key in keys:
        version = client.put_object(Bucket=desk.bucket, Key=key, Body=b"x")["VersionId"]
        entry = blocking(desk.store.stat(key)).entry._replace(version=version)
        rows.append(row(entry, desk.bucket))
    return written(rows, bucket=desk.bucket)


def test_a_plan_from_an_inventory_pins_versions(
    moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, moto, capsys)
    manifest = laid(versioned(desk, moto, "a", "b"), tmp_path / "lists")
    path = plan_of(desk, desk.s3, str(desk.folder), "--from-inventory", manifest)
    copies = [one for one in SavedPlan.open(path).actions() if isinstance(one, Copy)]
    assert all(len(one.source.version) > 8 for one in copies)
    desk.object("b", b"x")  # The same bytes, and another version.

    apply(desk, path, code=7)
    told = apply(desk, path, "--skip-stale", code=7)

    assert (told["done"], told["failed"]) == (1, 1)
    assert (desk.folder / "a").read_bytes() == b"x"
    assert not (desk.folder / "b").exists()


def test_a_sync_from_an_inventory_of_versions_takes_what_is_current(
    moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, moto, capsys)
    manifest = laid(versioned(desk, moto, "a"), tmp_path / "lists")
    desk.object("a", b"newer")

    desk.sync(desk.s3, str(desk.folder), "--from-inventory", manifest)

    assert (desk.folder / "a").read_bytes() == b"newer"


def test_show_says_what_is_in_it(desk: Desk) -> None:
    desk.object("a", b"xyz")
    path = plan_of(desk, desk.s3, str(desk.folder), "--exclude", "*.tmp")

    action, told = desk_records("plan", "show", str(path), "--all", "--json", desk=desk)

    assert (action["verb"], action["key"], action["bytes"]) == ("copy", "a", 3)
    assert (told["copies"], told["bytes"], told["policy"]["filters"]) == (
        1,
        3,
        [["exclude", "*.tmp"]],
    )
    assert told["sha256"] == SavedPlan.open(path).sha256


def desk_records(*words: str, desk: Desk) -> list[dict[str, Any]]:
    assert main(list(words)) == 0
    return [json.loads(line) for line in desk._capsys.readouterr().out.splitlines()]


def test_two_at_once_are_refused(desk: Desk) -> None:
    from bucketline.flow.ledger import Ledger, job_path

    desk.object("a", b"x")
    path = plan_of(desk, desk.s3, str(desk.folder))
    head = SavedPlan.open(path).head
    places = (head.source["identity"], head.target["identity"])

    with Ledger.open(job_path(desk.state, "sync", *places), clock=SystemClock()):
        desk.run("plan", "apply", str(path), code=7)

    assert not (desk.folder / "a").exists()
