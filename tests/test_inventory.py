"""An S3 Inventory stands where a listing would, or is refused before anything is told."""

from __future__ import annotations

import gzip
import importlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bucketline.errors import BadListing, BucketlineError, UsageError
from bucketline.flow.drive import blocking
from bucketline.flow.look.inventory import Inventory, Place
from bucketline.model import Entry
from bucketline.stores.local import LocalStore
from bucketline.stores.memory import MemoryStore
from contracts.hostile import HOSTILE
from inventories import DAY, FOLDER, MANIFEST, NAMES, VERSIONS, Written, md5, row, written

FORMATS = ("CSV", "Parquet", "ORC")
PLAIN = tuple(name for name in NAMES if name not in VERSIONS)


class Now:
    """Runs each flow at once."""

    call = staticmethod(blocking)


def shelved(made: Written) -> Place:
    store = MemoryStore()
    for key, body in made.objects.items():
        blocking(store.write(key, body))
    return Place(store, MANIFEST, [store])


def inventory(made: Written, prefix: str = "", **options: Any) -> Inventory:
    return Inventory(shelved(made), "photos", prefix, Now(), **options)


def told(made: Written, prefix: str = "", **options: Any) -> list[Entry]:
    pages = inventory(made, prefix, **options).pages()
    return [entry for page in pages for entry in page]


def an_entry(key: str, size: int = 3, modified: float = 1_700_000_000.0, **more: str) -> Entry:
    return Entry(key, size, modified, more.pop("etag", f"{size:032x}"), **more)


@pytest.mark.parametrize("kind", FORMATS)
def test_entries_come_in_key_order_whatever_the_files_hold(kind: str) -> None:
    entries = [an_entry(f"k{number:04}", number, tier="GLACIER") for number in range(2_500)]
    shuffled = random.Random(1).sample(entries, len(entries))

    assert told(written(map(row, shuffled), kind)) == entries


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_keys_come_as_they_are(kind: str, case: str) -> None:
    keys = HOSTILE[case]

    found = told(written([row(an_entry(key)) for key in keys], kind))

    assert [entry.key for entry in found] == sorted(keys)


@pytest.mark.parametrize("kind", FORMATS)
def test_columns_may_stand_in_any_order(kind: str) -> None:
    rows = [row(an_entry("a")), row(an_entry("b"))]

    assert told(written(rows, kind, columns=tuple(reversed(PLAIN)))) == [
        an_entry("a"),
        an_entry("b"),
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_of_versions_only_the_latest_counts_and_no_delete_marker(kind: str) -> None:
    rows = [
        row(an_entry("gone", version="3"), marker=True),
        row(an_entry("gone", version="2"), latest=False),
        row(an_entry("here", 5, version="2")),
        row(an_entry("here", 4, version="1"), latest=False),
        row(an_entry("null", 6)),
    ]
    made = written(rows, kind)

    assert told(made) == [an_entry("here", 5), an_entry("null", 6)]
    assert [one.version for one in told(made, keep_versions=True)] == ["2", ""]


def test_only_keys_with_the_prefix_take_part() -> None:
    made = written([row(an_entry(key)) for key in ("a/1", "a/2", "ab", "b/1")])

    assert [entry.key for entry in told(made, "a/")] == ["a/1", "a/2"]


def test_of_twins_the_newer_one_counts() -> None:
    rows = [row(an_entry("a", 1, 10.0)), row(an_entry("a", 2, 30.0)), row(an_entry("a", 3, 20.0))]
    listing = inventory(written(rows, per_file=1))

    assert [entry.size for page in listing.pages() for entry in page] == [2]
    assert listing.notes == [
        "source: as the inventory of 2026-03-01 00:00 UTC tells it",
        "2 keys stood in the inventory twice; the newer one counted",
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_empty_bucket_has_an_empty_inventory(kind: str) -> None:
    assert told(written([], kind)) == []


def _spoil_manifest(made: Written) -> None:
    made.objects[MANIFEST] += b" "


def _lose_checksum(made: Written) -> None:
    del made.objects[f"{DAY}/manifest.checksum"]


def _lose_data(made: Written) -> None:
    del made.objects[made.data[1]]


def _flip_data(made: Written) -> None:
    body = bytearray(made.objects[made.data[0]])
    body[-12] ^= 1
    made.objects[made.data[0]] = bytes(body)


def _cut_data(made: Written) -> None:
    made.objects[made.data[1]] = made.objects[made.data[1]][:-1]


def _say_nothing(made: Written) -> None:
    made.seal(files="none")


def _no_md5(made: Written) -> None:
    made.seal(files=[file | {"MD5checksum": ""} for file in made.manifest["files"]])


SPOILT: dict[str, tuple[Callable[[Written], None], str]] = {
    "its manifest is not what the checksum says": (
        _spoil_manifest,
        "not the one in manifest.check",
    ),
    "it has no checksum": (_lose_checksum, "not complete yet, or was copied in part"),
    "a file is missing": (_lose_data, "it is not there"),
    "a byte of a file is another one": (_flip_data, "not the one in the manifest"),
    "a file is shorter": (_cut_data, "and the manifest says"),
    "its manifest is none": (_say_nothing, "or damaged"),
    "a file has no checksum": (_no_md5, "without its MD5"),
}


@pytest.mark.parametrize("case", SPOILT)
@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_not_whole_tells_nothing(kind: str, case: str) -> None:
    spoil, said = SPOILT[case]
    made = written([row(an_entry(key)) for key in "abc"], kind, per_file=1)
    spoil(made)

    with pytest.raises(BadListing, match=said):
        next(inventory(made).pages())


def rewritten(made: Written, body: bytes) -> Written:
    """One whose only data file has this body, with all checksums right."""
    key = made.data[0]
    made.objects[key] = body
    made.seal(files=[{"key": key, "size": len(body), "MD5checksum": md5(body)}])
    return made


LINE = '"photos","{key}","{size}","2026-01-01T00:00:00.000Z","abc"\n'
SENSELESS = {
    "another bucket's row": LINE.replace("photos", "other").format(key="a", size=1),
    "too few values": '"photos","a"\n',
    "no size": LINE.format(key="a", size=""),
    "a size below nothing": LINE.format(key="a", size=-1),
    "a size in words": LINE.format(key="a", size="large"),
    "an empty key": LINE.format(key="", size=1),
    "a key that is no text": LINE.format(key="%ff", size=1),
    "an open quote": '"photos","a',
    "a time that is none": LINE.format(key="a", size=1).replace("2026", "soon"),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_row_without_sense_is_an_error_that_names_the_file(case: str) -> None:
    columns = ("Bucket", "Key", "Size", "LastModifiedDate", "ETag")
    made = written([row(an_entry("a"))], columns=columns)

    with pytest.raises(BadListing, match=f"{FOLDER}/data/00000000.csv.gz: the inventory is dam"):
        told(rewritten(made, gzip.compress(SENSELESS[case].encode())))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_of_another_format_is_an_error(kind: str) -> None:
    with pytest.raises(BadListing, match="the inventory is damaged"):
        told(rewritten(written([row(an_entry("a"))], kind), b"something else entirely"))


@pytest.mark.parametrize("kind", FORMATS)
def test_an_inventory_that_tells_too_little_is_refused(kind: str) -> None:
    columns = tuple(name for name in PLAIN if name not in ("ETag", "Size"))

    with pytest.raises(UsageError, match=r"does not tell Size, ETag; add that to its config"):
        told(written([row(an_entry("a"))], kind, columns=columns))


def test_an_inventory_of_another_bucket_is_refused() -> None:
    with pytest.raises(UsageError, match="the inventory of other, and the source is photos"):
        told(written([row(an_entry("a"), "other")], bucket="other"))


@pytest.mark.parametrize("change", [{"version": "2030-01-01"}, {"fileFormat": "Avro"}])
def test_an_inventory_of_an_unknown_kind_is_refused(change: dict[str, str]) -> None:
    made = written([row(an_entry("a"))])
    made.seal(**change)

    with pytest.raises(UsageError, match="a kind that is not known here"):
        told(made)


@pytest.mark.parametrize("kind", ["Parquet", "ORC"])
def test_without_pyarrow_it_is_said_what_to_install(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(UsageError, match=r"install bucketline\[parquet\]"):
        told(written([row(an_entry("a"))], kind))


@pytest.mark.parametrize("layout", ["whole", "from-the-middle", "flat"])
def test_a_downloaded_inventory_is_found_however_it_was_laid_out(
    layout: str, tmp_path: Path
) -> None:
    made = written([row(an_entry(key)) for key in "ab"], per_file=1)
    root = tmp_path / "deep" / "er"
    for key, body in made.objects.items():
        name = key.rpartition("/")[2] if layout == "flat" else key
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    folder = root if layout == "flat" else root / DAY
    stores = [LocalStore(str(at)) for at in (folder, *folder.parents)]
    place = Place(LocalStore(str(folder)), "manifest.json", stores)

    pages = Inventory(place, "photos", "", Now()).pages()

    assert [entry.key for page in pages for entry in page] == ["a", "b"]


def test_a_manifest_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    made = written([row(an_entry("a"))])
    (tmp_path / "secret").write_bytes(made.objects[made.data[0]])
    folder = tmp_path / "in"
    folder.mkdir()
    made.seal(files=[made.manifest["files"][0] | {"key": "../secret"}])
    for name in ("manifest.json", "manifest.checksum"):
        (folder / name).write_bytes(made.objects[f"{DAY}/{name}"])
    store = LocalStore(str(folder))

    with pytest.raises(BucketlineError, match="it is not there"):
        next(Inventory(Place(store, "manifest.json", [store]), "photos", "", Now()).pages())
