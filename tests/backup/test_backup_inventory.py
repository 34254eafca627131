"""A backup whose source is told by an S3 Inventory: nothing is listed there, nothing believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.flow.drive import blocking
from faults import kinds
from faults.proxy import FaultProxy
from inventories import MANIFEST, row, written
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
KEYS = ("a", "folder/b", "sp ace/ü+%", "z")
_HOUR = 3_600


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, moto, capsys)
    for key in KEYS:
        vault.put(key, key.encode())
    return vault


@pytest.fixture
def source(moto: Endpoint) -> Iterator[FaultProxy]:
    with FaultProxy(moto.url) as proxy:
        yield proxy


def inventory(vault: Vault, kind: str = "CSV", *, hours: int = 1, spoilt: str = "") -> str:
    """What S3 would write of the source so many hours from now; its manifest."""
    entries = blocking(vault.store.page()).entries
    rows = [row(one, vault.bucket) for one in entries]
    made = written(rows, kind, per_file=2, bucket=vault.bucket)
    made.seal(creationTimestamp=str(int((time.time() + hours * _HOUR) * 1000)))
    if spoilt == "cut":
        made.objects[made.data[-1]] = made.objects[made.data[-1]][:-9]
    elif spoilt:
        del made.objects[made.data[-1] if spoilt == "file" else f"{MANIFEST[:-4]}checksum"]
    for key, body in made.objects.items():
        path = vault.here / "lists" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(body)
    for key in {*map(str, made.data), f"{MANIFEST[:-4]}checksum"} - set(made.objects):
        (vault.here / "lists" / key).unlink(missing_ok=True)
    return str(vault.here / "lists" / MANIFEST)


def words(manifest: str, source: FaultProxy) -> tuple[str, ...]:
    return "--inventory", manifest, "--source-endpoint-url", source.url


@pytest.mark.parametrize("kind", ["CSV", "Parquet", "ORC"])
def test_the_source_is_not_listed_and_what_vanished_is_asked_for_one_by_one(
    kind: str, vault: Vault, source: FaultProxy
) -> None:
    first = vault.back_up(*words(inventory(vault, kind), source))
    assert (first["state"], first["done"], first["failed"]) == ("complete", 4, 0)
    assert vault.bodies() == vault.bodies(vault.bucket)
    vault.drop("a", "z")
    manifest = inventory(vault, kind)
    source.forget()

    told = vault.back_up(*words(manifest, source))

    assert (told["done"], told["skipped"]) == (2, 2)
    assert vault.deleted() == {"a", "z"}
    assert source.seen("GET", "list-type|versions|marker=|prefix=") == []
    asked = {(one.method, one.key) for one in source.seen() if one.key}
    assert asked == {(method, key) for method in ("HEAD", "GET") for key in ("a", "z")}
    source.forget()
    assert vault.back_up(*words(manifest, source))["done"] == 0
    assert [one for one in source.seen() if one.key] == []


def test_what_the_inventory_does_not_know_is_neither_gone_nor_back(
    vault: Vault, source: FaultProxy
) -> None:
    old = inventory(vault)
    vault.drop("folder/b")
    vault.back_up()
    vault.drop("z")
    vault.back_up()
    assert vault.deleted() == {"z"}

    told = vault.back_up(*words(old, source))  # It still tells of z, and of folder/b.

    assert vault.deleted() == {"z"}
    assert (told["done"], told["failed"]) == (0, 0)
    vault.put("folder/b", b"is back")
    assert vault.back_up(*words(inventory(vault), source))["done"] == 1
    vault.drop("a")
    manifest = inventory(vault)
    vault.put("a", b"a")
    told = vault.back_up(*words(manifest, source))
    assert (told["done"], told["failed"]) == (0, 0)
    assert vault.deleted() == {"z"}


def test_what_is_younger_than_the_inventory_is_for_the_next_one(
    vault: Vault, source: FaultProxy
) -> None:
    vault.back_up()
    vault.drop("a")
    manifest = inventory(vault, hours=-1)
    source.forget()

    vault.back_up(*words(manifest, source))

    assert vault.deleted() == set()
    assert [one for one in source.seen() if one.key] == []
    vault.back_up(*words(inventory(vault), source))
    assert vault.deleted() == {"a"}


@pytest.mark.parametrize("spoilt", ["cut", "file", "checksum"])
def test_one_that_is_not_whole_calls_nothing_deleted(
    spoilt: str, vault: Vault, source: FaultProxy
) -> None:
    vault.back_up()
    vault.drop("a")
    manifest = inventory(vault, spoilt=spoilt)

    code, _ = vault.ended("backup", vault.s3, vault.there, *words(manifest, source))

    assert code == 5
    assert vault.deleted() == set()


@pytest.mark.parametrize("refusal", [(404, "NoSuchBucket"), (403, "AccessDenied")])
def test_a_source_that_cannot_be_asked_lost_nothing(
    refusal: tuple[int, str], vault: Vault, source: FaultProxy
) -> None:
    vault.back_up()
    vault.drop("a")
    source.add(kinds.refuse(*refusal), path="/a$")

    code, _ = vault.ended("backup", vault.s3, vault.there, *words(inventory(vault), source))

    assert code == (5 if refusal[0] == 404 else 1)
    assert vault.deleted() == set()


def test_an_empty_one_and_a_burst_stop(vault: Vault, source: FaultProxy) -> None:
    for number in range(12):
        vault.put(f"more/{number}", b"x")
    vault.back_up()
    vault.drop(*(f"more/{number}" for number in range(12)))

    vault.back_up(*words(inventory(vault), source), code=7)

    vault.drop(*KEYS)
    vault.back_up(*words(inventory(vault), source), "--max-vanished", "100%", code=7)
    assert vault.deleted() == set()


def test_no_versions_and_no_folder(vault: Vault, source: FaultProxy) -> None:
    manifest = inventory(vault)
    some = words(manifest, source)
    assert vault.ended("backup", vault.s3, vault.there, "--versions", *some)[0] == 2
    assert vault.ended("backup", str(vault.folder), vault.there, *some[:2])[0] == 2
