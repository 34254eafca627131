"""Any two inventories: each class of difference, told once; what differs is looked at again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.engines.inventories.compare import Comparison, Inventory, Live, Terms
from bucketline.engines.inventories.told import Epoch, Told
from bucketline.flow.drive import blocking
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.duck import Duck
from bucketline.model import Entry
from bucketline.stores.memory import MemoryStore
from desk import Desk
from inventories import MANIFEST, row, written
from ring.services import serve
from ring.sites import configured
from ring.world import World
from servers import Park

ONE, OTHER = "0" * 32, "f" * 32
EPOCH = Epoch(1_000_000)
PLAIN = Terms()


class Now:
    """Runs each flow at once."""

    call = staticmethod(blocking)


def side(*told: Told, live: Live | None = None) -> Inventory:
    return Inventory(lambda: iter([list(told)]), EPOCH, 0, live)


def one(key: str, size: int = 1, *, etag: str = ONE, modified: float = 10, **more: object) -> Told:
    entry = Entry(
        key, size, modified, etag, str(more.pop("version", "")), str(more.pop("tier", ""))
    )
    return Told(entry, **more)  # type: ignore[arg-type]


def compare(a: Inventory, b: Inventory, folder: Path, terms: Terms = PLAIN) -> Comparison:
    engine = Duck(Bounds("256MB", 2, folder / "spill"))
    found = Comparison(a, b, engine, Now(), folder, terms)
    found.perform()
    return found


def shown(found: Comparison) -> list[str]:
    return [f"{line.symbol.value} {line.key} {line.reason}" for line in found.lines()]


CASES: dict[str, tuple[Iterable[Told], Iterable[Told], list[str]]] = {
    "the same": ([one("k")], [one("k")], []),
    "only in A": ([one("k")], [], ["+ k ONLY_A"]),
    "only in B": ([], [one("k")], ["- k ONLY_B"]),
    "another size": ([one("k")], [one("k", 2)], ["* k SIZE_DIFF"]),
    "older on B": ([one("k")], [one("k", 2, modified=5)], ["* k SIZE_DIFF: older on B"]),
    "another MD5": ([one("k")], [one("k", etag=OTHER)], ["* k ETAG_DIFF"]),
    "another checksum": (
        [one("k", hashes={"crc32": "00"})],
        [one("k", hashes={"crc32": "01"})],
        ["* k CHECKSUM_DIFF"],
    ),
    "an equal checksum outweighs etags": (
        [one("k", hashes={"sha256": "00"})],
        [one("k", etag=OTHER, hashes={"sha256": "00"})],
        [],
    ),
    "checksums of two kinds": (
        [one("k", etag="", hashes={"crc32": "00"})],
        [one("k", etag="", hashes={"sha256": "00"})],
        ["! k NOT_COMPARABLE"],
    ),
    "an encrypted one": (
        [one("k")],
        [one("k", etag=OTHER, is_etag_opaque=True)],
        ["! k NOT_COMPARABLE"],
    ),
    "parts": ([one("k")], [one("k", etag=f"{OTHER}-2")], ["! k NOT_COMPARABLE"]),
    "parts, and older": ([one("k")], [one("k", etag="x-2", modified=5)], ["* k STALE"]),
    "the etag of the source": ([one("k", etag="x-2")], [one("k", other_etag="x-2")], []),
    "too new": ([one("k", modified=2000)], [], ["! k TOO_NEW"]),
    "too new to differ": ([one("k")], [one("k", 2, modified=2000)], ["! k TOO_NEW"]),
    "twice": (
        [one("k", 5, modified=1), one("k")],
        [one("k")],
        ["! k DUPLICATE: A tells of it 2 times"],
    ),
    "nothing": ([], [], []),
    "order": (
        [one("ü"), one("a b"), one("\U0001f600")],
        [],
        ["+ a b ONLY_A", "+ ü ONLY_A", "+ \U0001f600 ONLY_A"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_difference_has_its_class(case: str, tmp_path: Path) -> None:
    a, b, expected = CASES[case]
    found = compare(side(*a), side(*b), tmp_path)

    assert shown(found) == expected
    assert found.equal == (0 if expected and "DUPLICATE" not in expected[0] else len(list(a)) and 1)


def test_versions_and_classes_differ_for_those_who_ask(tmp_path: Path) -> None:
    a, b = (
        side(one("k", version="1"), one("l", tier="X")),
        side(one("k", version="2"), one("l", tier="Y")),
    )
    assert shown(compare(a, b, tmp_path)) == []
    found = compare(a, b, tmp_path, Terms(also=("version", "class")))
    assert shown(found) == ["* k VERSION_DIFF", "* l META_DIFF"]
    assert (found.equal, found.summary.exit_code) == (0, 3)


def test_the_grace_makes_more_too_new(tmp_path: Path) -> None:
    found = compare(side(one("k", modified=950)), side(), tmp_path, Terms(grace_seconds=100))
    assert shown(found) == ["! k TOO_NEW"]
    assert found.summary.exit_code == 1


def test_what_differs_is_looked_at_where_it_is(tmp_path: Path) -> None:
    store = MemoryStore()
    for key in ("p/came", "p/right", "p/wrong"):
        blocking(store.write(key, b"body"))
    md5 = blocking(store.stat("p/came")).entry.etag
    told = side(*(one(key, 4, etag=md5) for key in ("came", "right", "gone")), one("wrong", 4))
    late = side(one("right", 9), one("wrong", 4), live=Live(store, "p/"))

    found = compare(told, late, tmp_path)

    assert shown(found) == ["+ gone ONLY_A"]
    # `wrong` was the same by what both told, so nobody looked.
    assert found.equal == 3
    assert shown(compare(told, late, tmp_path, Terms(looks_again=False))) == [
        "+ came ONLY_A",
        "+ gone ONLY_A",
        "* right SIZE_DIFF",
    ]


@pytest.fixture
def desk(
    tmp_path: Path, park: Park, capsys: pytest.CaptureFixture[str], surroundings: object
) -> Desk:
    return Desk(tmp_path, park.endpoint("moto"), capsys)


def words(records: list[dict[str, object]]) -> list[str]:
    return [f"{one['symbol']} {one['key']} {one['reason']}" for one in records if "symbol" in one]


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "ORC"])
def test_an_inventory_against_a_bucket(kind: str, desk: Desk) -> None:
    for key in ("in/a b", "in/ü", "out/c"):
        desk.object(key, key.encode())
    entries = blocking(desk.store.page()).entries
    told = written([row(one, desk.bucket) for one in entries], kind, bucket=desk.bucket)
    for key, body in told.objects.items():
        path = desk.here / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    desk.delete("in/ü")
    desk.object("in/new", b"later")
    manifest = f"inventory:{desk.here / MANIFEST}"
    two = (manifest, f"{desk.s3}in/", "--source-under", "in/")

    found = desk.run("check", *two, code=3)

    assert words(found) == ["! new TOO_NEW", "+ ü ONLY_A"]
    assert found[-1]["equal"] == 1
    assert found[-1]["classes"]["ONLY_A"] == {"keys": 1, "bytes": 5}
    live = desk.run("check", *two, "--live-source", f"{desk.s3}in/")
    assert (words(live), live[-1]["equal"]) == ([], 2)


def test_a_ledger_against_a_folder_and_a_bucket(desk: Desk) -> None:
    desk.file("a", b"a")
    desk.file("b", b"b")
    desk.sync(str(desk.folder), desk.s3)
    assert desk.run("check", "ledger:last", desk.s3)[-1]["equal"] == 2
    desk.object("b", b"other")
    desk.delete("a")
    found = desk.run("check", "ledger:last", desk.s3, code=3)
    assert words(found) == ["+ a ONLY_A", "* b SIZE_DIFF"]


def test_an_export_of_a_ring_is_an_inventory(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(World(7, 40)) as services:
        config = ["--config", str(configured(services, tmp_path))]
        assert main(["ring", "run", "R", *config, "--progress", "none"]) == 3
        capsys.readouterr()
        code, found = desk.ended("check", "ring:R/one", "ring:R/one", *config)
    bucket = services.world.buckets["one"]
    keys = {key for key, value in bucket.items() if "\0" not in key and value}
    assert code == 1
    # None of the double's objects has an etag, so nothing can be said but that they are there.
    assert found[-1]["unknown"] + found[-1]["equal"] == len(keys)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("inventory:x", "y", "--compare", "size"), "compared by all"),
        (("a", "b", "--grace", "1d"), "is for inventories"),
        (("ring:R", "b"), "names no bucket"),
        (("ledger:last", "b", "--all"), "only counted"),
    ],
)
def test_what_makes_no_sense_is_said(
    said: tuple[str, ...], why: str, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *said]) == 2
    assert why in capsys.readouterr()[1]
