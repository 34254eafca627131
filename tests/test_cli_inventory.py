"""`sync --from-inventory`: the source's keys from an S3 Inventory, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from contracts.hostile import HOSTILE
from desk import Desk
from inventories import MANIFEST, Written, row, written
from servers import Endpoint, Park

pytestmark = pytest.mark.usefixtures("surroundings")
LOST = ("line-feed", "both-line-ends")  # moto has no such keys.
SAFE = sorted({key for case, keys in HOSTILE.items() if case not in LOST for key in keys})


def inventory(desk: Desk, kind: str = "CSV", *, per_file: int = 10) -> Written:
    """What S3 would write of the bucket now."""
    entries = blocking(desk.store.page()).entries
    return written(
        [row(one, desk.bucket) for one in entries], kind, per_file=per_file, bucket=desk.bucket
    )


def laid(made: Written, folder: Path) -> str:
    """As somebody downloads it."""
    for key, body in made.objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return str(folder / MANIFEST)


def bucket_of(desk: Desk, server: Endpoint, name: str) -> S3Store:
    store = S3Store(server.remote(), f"{desk.bucket}-{name}", clock=SystemClock())
    blocking(store.create_bucket())
    return store


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "ORC"])
@pytest.mark.parametrize(
    "name", ["moto", "ministack", pytest.param("radosgw", marks=pytest.mark.radosgw)]
)
def test_hostile_keys_come_through_an_inventory_in_a_bucket(
    name: str, kind: str, tmp_path: Path, park: Park, capsys: pytest.CaptureFixture[str]
) -> None:
    server = park.endpoint(name)
    desk = Desk(tmp_path, server, capsys)
    for key in SAFE:
        desk.object(key, key.encode())
    lists, copy = bucket_of(desk, server, "lists"), bucket_of(desk, server, "copy")
    for key, body in inventory(desk, kind).objects.items():
        blocking(lists.write(key, body))
    words = (desk.s3, f"s3://{copy.bucket}/", "--from-inventory", f"s3://{lists.bucket}/{MANIFEST}")

    told = desk.sync(*words)

    assert (told["done"], told["failed"], told["skipped"]) == (len(SAFE), 0, 0)
    held = blocking(copy.page()).entries
    assert {one.key: blocking(copy.read(one.key)).body for one in held} == {
        key: key.encode() for key in SAFE
    }
    assert desk.calm(*words)


def test_what_changed_or_went_since_is_told_and_no_failure(desk: Desk) -> None:
    for key in ("a", "b", "c"):
        desk.object(key, key.encode())
    manifest = laid(inventory(desk), desk.here / "lists")
    desk.object("b", b"longer by now")
    blocking(desk.store.delete("c"))
    desk.object("d", b"came since")

    records = desk.run("sync", desk.s3, str(desk.folder), "--from-inventory", manifest)

    fates = {one["key"]: (one["fate"], one.get("message")) for one in records[:-1]}
    assert fates == {
        "a": ("done", None),
        "b": ("done", "as it is now: it changed since the inventory was made"),
        "c": ("skipped", "it is gone since the inventory was made"),
    }
    assert (records[-1]["state"], records[-1]["skipped"]) == ("complete", 1)
    assert (desk.folder / "b").read_bytes() == b"longer by now"
    assert not (desk.folder / "d").exists()


def test_filters_and_prefixes_hold_as_for_a_listing(desk: Desk) -> None:
    for key in ("p/a.txt", "p/b.tmp", "p/c.txt", "q/a.txt"):
        desk.object(key, b"x")
    manifest = laid(inventory(desk), desk.here / "lists")

    told = desk.sync(
        f"{desk.s3}p/",
        str(desk.folder),
        "--exclude",
        "*.tmp",
        "--from-inventory",
        str(Path(manifest).parent),
    )

    assert told["done"] == 2
    assert {path.name for path in desk.folder.iterdir()} == {"a.txt", "c.txt"}


def test_a_dry_run_prints_the_same_plan(desk: Desk) -> None:
    desk.object("b", b"x")
    desk.object("a", b"x")
    manifest = laid(inventory(desk, per_file=1), desk.here / "lists")

    records = desk.run("sync", desk.s3, str(desk.folder), "-n", "--from-inventory", manifest)

    assert [one.get("key") for one in records] == ["a", "b", None]


def test_a_damaged_inventory_ends_before_anything_moves(desk: Desk) -> None:
    desk.object("a", b"x")
    desk.object("b", b"x")
    made = inventory(desk, per_file=1)
    made.objects[made.data[1]] += b"x"
    manifest = laid(made, desk.here / "lists")

    desk.run("sync", desk.s3, str(desk.folder), "--from-inventory", manifest, code=5)

    assert list(desk.folder.iterdir()) == []


REFUSED = {
    "with --delete": (("--delete",), "--delete needs a listing"),
    "with --watch": (("--watch",), "an inventory stays as it is"),
    "that is none": (("--from-inventory", "notes.txt"), "is no inventory; name its manifest.json"),
    "that is not there": (("--from-inventory", "s3://no-such-bucket-here/x/"), ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_inventory_is_refused(case: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    words, said = REFUSED[case]
    desk.object("a", b"x")
    manifest = laid(inventory(desk), desk.here / "lists")
    told = [desk.s3, str(desk.folder), "--from-inventory", manifest, *words]

    assert main(["sync", *told, "--endpoint-url", desk.url]) == (2 if said else 5)
    assert said in capsys.readouterr().err
    assert list(desk.folder.iterdir()) == []


def test_a_folder_has_no_inventory(desk: Desk) -> None:
    desk.object("a", b"x")
    manifest = laid(inventory(desk), desk.here / "lists")

    desk.run("sync", str(desk.folder), desk.s3, "--from-inventory", manifest, code=2)
