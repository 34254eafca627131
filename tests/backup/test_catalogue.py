"""A catalogue of many layers says what one table would, now and at every time before."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.rows import GONE, Row
from bucketline.errors import Broken, Conflict, Mismatch
from bucketline.flow.drive import blocking, open_drive
from bucketline.stores.memory import MemoryStore

_LAYERS = 9  # The most that one may have: beyond eight they are made fewer.


def key_of(number: int) -> str:
    return f"k/{number:05}-é"


def whole(number: int, etag: str) -> Row:
    return Row(key_of(number), size=number, etag=etag)


class Table:
    """What the catalogue should say."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def take(self, row: Row) -> None:
        if row.state == GONE:
            self.rows.pop(row.key, None)
        elif row.etag:
            self.rows[row.key] = row
        elif row.key in self.rows:
            self.rows[row.key] = replace(self.rows[row.key], deleted=row.deleted)

    def all(self) -> list[Row]:
        return [self.rows[key] for key in sorted(self.rows)]


def changes(dice: Random, most: int, number: int) -> list[Row]:
    """New ones, changed ones, marks, and what is gone; a row a key, in their order."""
    picked = sorted(dice.sample(range(most), dice.randint(1, 15)))
    kinds = (
        lambda one: whole(one, f"etag-{number}"),
        lambda one: Row(key_of(one), deleted=f"since {number}"),
        lambda one: Row(key_of(one), deleted=""),
        lambda one: Row(key_of(one), state=GONE),
    )
    return [dice.choice(kinds)(one) for one in picked]


@settings(max_examples=20)
@given(
    seed=some.integers(0, 2**32),
    base=some.sampled_from([0, 50, 1_000]),
    count=some.integers(1, 25),
)
def test_it_says_what_one_table_would(seed: int, base: int, count: int) -> None:
    dice, table, store = Random(seed), Table(), MemoryStore("memory")
    past: list[list[Row]] = []
    layers = 0
    with closing(open_drive()) as drive:
        for number in range(count + 1):
            rows = [whole(one, "first") for one in range(base)]
            if number:
                rows = changes(dice, base + 100, number)
            for row in rows:
                table.take(row)
            catalogue = Catalogue(store, "", drive)
            catalogue.add(iter(rows), source="s", run=f"{number}", now=float(number))
            layers = max(layers, len(catalogue.manifest.layers))
            past.append(table.all())
        for number in {count, dice.randrange(count + 1), dice.randrange(count + 1)}:
            then = Catalogue(store, "", drive, at=number + 0.5)
            assert list(then.rows()) == past[number]
        named = sorted({key_of(dice.randrange(base + 120)) for _ in range(30)})
        found = list(Catalogue(store, "", drive).rows(named))

    assert found == [row for row in table.all() if row.key in set(named)]
    assert layers <= _LAYERS


def test_many_small_states_over_a_large_one_stay_few_layers() -> None:
    dice, store = Random(1), MemoryStore("memory")
    written: list[int] = []
    with closing(open_drive()) as drive:
        catalogue = Catalogue(store, "", drive)
        catalogue.add([whole(n, "first") for n in range(3_000)], source="s", run="0", now=0.0)
        for number in range(1, 60):
            rows = [whole(n, f"etag-{number}") for n in sorted(dice.sample(range(3_000), 5))]
            catalogue.add(rows, source="s", run=f"{number}", now=float(number))
            written.append(sum(catalogue.manifest.counts[1:]))

    assert len(catalogue.manifest.layers) <= _LAYERS
    assert written[-1] < 60 * 5 + 1  # What is below was never written again.


def test_two_that_write_the_same_state_do_not_harm_each_other() -> None:
    store = MemoryStore("memory")
    with closing(open_drive()) as drive:
        Catalogue(store, "", drive).add([whole(0, "first")], source="s", run="0", now=0.0)
        one, other = Catalogue(store, "", drive), Catalogue(store, "", drive)
        one.add([whole(1, "one")], source="s", run="one", now=1.0)
        with pytest.raises(Conflict):
            other.add([whole(2, "other")], source="s", run="other", now=1.0)

        assert [row.etag for row in Catalogue(store, "", drive).rows()] == ["first", "one"]

        other.add([whole(2, "other")], source="s", run="other", now=2.0)  # As `--watch` goes on.

        rows = Catalogue(store, "", drive).rows()
        assert [row.etag for row in rows] == ["first", "one", "other"]


def test_who_is_patient_goes_over_what_another_has_written() -> None:
    store = MemoryStore("memory")
    with closing(open_drive()) as drive:
        Catalogue(store, "", drive).add([whole(0, "first")], source="s", run="0", now=0.0)
        one, other = Catalogue(store, "", drive), Catalogue(store, "", drive)
        for number in range(3):
            one.add([whole(number, "one")], source="s", run=f"one{number}", now=1.0)

        made = other.add([whole(2, "other")], source="s", run="o", now=2.0, is_patient=True)

        newest = Catalogue(store, "", drive)
        assert newest.manifest == made
        assert [row.etag for row in newest.rows()] == ["one", "one", "other"]


@pytest.mark.parametrize("what", ["cut off", "away", "manifest"])
def test_one_that_is_damaged_says_how_to_go_on(what: str) -> None:
    store = MemoryStore("memory")
    with closing(open_drive()) as drive:
        for number in range(2):
            rows = [whole(number, f"{number}")]
            Catalogue(store, "", drive).add(rows, source="s", run=f"{number}", now=0.0)
        newest = Catalogue(store, "", drive).manifest
        home, manifest = ".bucketline/catalogue/", f"{newest.number:08}.json"
        name = manifest if what == "manifest" else newest.layers[-1][-1].name
        _damage(store, home + name, what)

        with pytest.raises((Broken, Mismatch)) as told:
            list(Catalogue(store, "", drive).rows())

        assert f"remove {home}{manifest}: the state before it counts then" in str(told.value)
        drive.call(store.delete(home + manifest))
        assert [row.etag for row in Catalogue(store, "", drive).rows()] == ["0"]


def _damage(store: MemoryStore, key: str, what: str) -> None:
    if what == "away":
        blocking(store.delete(key))
    else:
        blocking(store.write(key, blocking(store.read(key)).body[:-9]))


def test_long_histories_make_more_files_and_not_larger_ones() -> None:
    store, past = MemoryStore("memory"), tuple(Row("", 1, "x" * 50_000) for _ in range(40))
    rows = [replace(whole(number, "e"), history=past) for number in range(40)]
    with closing(open_drive()) as drive:
        Catalogue(store, "", drive).add(rows, source="s", run="0", now=0.0)
        there = Catalogue(store, "", drive)

        assert [one.rows for one in there.manifest.layers[0]] == [17, 17, 6]
        assert list(there.rows()) == rows
        assert [row.key for row in there.rows([key_of(20)])] == [key_of(20)]


class Counting(MemoryStore):
    """How often it was read."""

    reads = 0

    def read(self, key: str, **more: Any) -> Any:
        self.reads += 1
        return super().read(key, **more)


def test_a_state_of_long_ago_is_found_without_reading_all() -> None:
    store = Counting("memory")
    with closing(open_drive()) as drive:
        catalogue = Catalogue(store, "", drive)
        for number in range(300):
            told = {"number": number}
            catalogue.add([], source="s", run=f"{number}", now=float(number), told=told)
        store.reads = 0

        assert Catalogue(store, "", drive, at=7.5).manifest.told == {"number": 7}

    assert store.reads <= 10
