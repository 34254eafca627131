"""What a listing told of is deleted while it is that, and stays once it is another one."""

from __future__ import annotations

from typing import Any

import pytest

from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.errors import Changed, Denied
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import blocking as call
from bucketline.flow.move.copy import remove
from bucketline.model import Delete, Entry, Fate, Skip
from bucketline.stores.base import Flow, Store
from bucketline.stores.memory import MemoryStore
from bucketline.stores.wrap import Around
from contracts.test_store import keys
from test_transfer import Now, nothing_known


def listed(store: Store, prefix: str = "") -> list[Entry]:
    return call(store.page(prefix)).entries


def test_what_is_as_it_was_listed_goes(store: Store) -> None:
    for key in ("a", "b/c d", "é"):
        call(store.write(key, key.encode()))

    for entry in listed(store):
        assert call(remove(Delete(entry), store)).fate is Fate.DONE

    assert keys(store) == []


def test_what_is_gone_already_is_done(store: Store) -> None:
    call(store.write("a", b"1"))
    (entry,) = listed(store)
    call(store.delete("a"))

    assert call(remove(Delete(entry), store)).fate is Fate.DONE


def test_what_came_since_then_stays(store: Store) -> None:
    call(store.write("a", b"old"))
    (entry,) = listed(store)
    call(store.write("a", b"new, and the only copy"))

    with pytest.raises(Changed, match="holds another one now"):
        call(remove(Delete(entry), store))

    assert call(store.read("a")).body == b"new, and the only copy"


def test_a_sync_deletes_no_object_that_came_after_its_look(store: Store) -> None:
    source = MemoryStore()
    for place in (source, store):
        call(place.write("kept", b"k"))
    call(store.write("extra", b"old"))
    sides = Side(source), Side(store)
    engine = Transfer(*sides, TransferPolicy(delete_extra=True), Now(), nothing_known)
    steps = [step for step in engine.plan() if not isinstance(step, Skip)]
    call(store.write("extra", b"written while others were copied"))

    (step,) = steps
    with pytest.raises(Changed):
        call(engine.perform(step))

    assert keys(store) == ["extra", "kept"]


class Unread(Around):
    """Who may list and delete, and not read."""

    def _around(self, verb: str, flow: Flow[Any], call: Any) -> Flow[Any]:
        if verb == "stat":
            raise Denied("you may not read it", store=self.name)
        return (yield from flow)


def test_who_may_not_read_looks_at_the_listing(store: Store) -> None:
    for key in ("aa", "aa b", "aab", "b"):
        call(store.write(key, b"old"))
    entries = {entry.key: entry for entry in listed(store)}
    call(store.write("aa", b"another"))

    call(remove(Delete(entries["b"]), Unread(store)))
    with pytest.raises(Changed):
        call(remove(Delete(entries["aa"]), Unread(store)))

    assert "aa" in keys(store)
    assert "b" not in keys(store)
