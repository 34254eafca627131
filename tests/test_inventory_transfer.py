"""A transfer whose source is told by an inventory: what changed or went since does no harm."""

from __future__ import annotations

from typing import Any

import pytest

from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.errors import NotFound
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import blocking
from bucketline.flow.look.inventory import Inventory
from bucketline.model import Entry, Fate, Outcome, Skip
from bucketline.stores.base import Flow, Receipt
from inventories import row, written
from shelf import Shelf, shelf
from test_inventory import Now, shelved
from test_transfer import nothing_known, said
from test_transfer import transfer as plainly


def transfer(listed: Shelf, source: Shelf, target: Shelf, prefixes: str = "/") -> Transfer:
    """`listed` is the source as it was when the inventory was made."""
    place = shelved(written(map(row, listed.entries.values()), per_file=2))
    left, right = prefixes.split("/")

    def told(prefix: str, drive: object, scratch: str | None) -> Inventory:
        return Inventory(place, "photos", prefix, Now(), scratch=scratch)

    sides = (Side(source, left.replace("|", "/"), told=told), Side(target, right.replace("|", "/")))
    return Transfer(*sides, TransferPolicy(), Now(), nothing_known)


def perform(engine: Transfer, key: str) -> Outcome:
    [action] = [one for one in engine.plan() if not isinstance(one, Skip) and one.key == key]
    return blocking(engine.perform(action))


def test_the_plan_is_the_same_as_from_a_listing() -> None:
    source, target = shelf("d a c b e"), shelf("a b")
    target.put("b", b"B")

    plan = said(list(transfer(source, source, target).plan()))

    assert plan == said(list(plainly(source, target).plan()))
    assert set(plan) == {"=1", "b>b", "c>c", "d>d", "e>e"}


def test_a_prefix_of_it_takes_part() -> None:
    source, target = shelf("p/a p/b q/a"), shelf("")

    assert said(list(transfer(source, source, target, "p|/t|").plan())) == ["p/a>t/a", "p/b>t/b"]


def test_what_did_not_change_is_done_without_a_word() -> None:
    source, target = shelf("a"), shelf("")

    outcome = perform(transfer(source, source, target), "a")

    assert (outcome.fate, outcome.message) == (Fate.DONE, "")


def test_what_changed_since_comes_as_it_is_now_and_it_is_told() -> None:
    source, target = shelf("a"), shelf("")
    source.put("a", b"another body")

    outcome = perform(transfer(shelf("a"), source, target), "a")

    assert outcome.fate is Fate.DONE
    assert outcome.message == "as it is now: it changed since the inventory was made"
    assert target.bodies["a"] == b"another body"


def test_what_went_since_is_no_failure_and_touches_nothing() -> None:
    source, target = shelf(""), shelf("a")
    target.put("a", b"older")

    outcome = perform(transfer(shelf("a"), source, target), "a")

    assert (outcome.fate, outcome.cause) == (Fate.SKIPPED, "Gone")
    assert target.bodies["a"] == b"older"


class Lacking(Shelf):
    """A target that does not find its own."""

    def write(self, key: str, *_: Any, **__: Any) -> Flow[Receipt]:
        yield from ()
        raise NotFound("no such upload", store=self.name, key=key)


def test_what_the_target_lacks_stays_a_failure() -> None:
    source = shelf("a")

    with pytest.raises(NotFound, match="no such upload"):
        perform(transfer(source, source, Lacking()), "a")


def test_a_listed_entry_keeps_its_time_and_its_etag() -> None:
    entry = Entry("a", 4, 1_700_000_000.5, "abc-2", tier="GLACIER_IR")
    [found] = [one for page in shelved_pages([entry]) for one in page]

    assert found == entry._replace(modified=1_700_000_000.0)  # A CSV has whole seconds.


def shelved_pages(entries: list[Entry]) -> list[list[Entry]]:
    place = shelved(written(map(row, entries)))
    return list(Inventory(place, "photos", "", Now()).pages())
