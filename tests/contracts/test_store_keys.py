"""Every legal key is carried unharmed, beside its twins."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.errors import NotFound, Unholdable
from bucketline.flow.drive import blocking as call
from bucketline.stores.base import Store
from bucketline.stores.local import LocalStore
from contracts.hostile import HOSTILE
from contracts.test_store import keys
from contracts.test_store_listing import in_order
from servers import SERVERS

every_case = pytest.mark.parametrize("case", HOSTILE)


@every_case
def test_a_hostile_key_is_held(store: Store, case: str) -> None:
    twins = HOSTILE[case]
    bodies = {key: f"body {number}".encode() for number, key in enumerate(twins)}

    for key, body in bodies.items():
        call(store.write(key, body))

    assert keys(store) == in_order(list(twins))
    for key, body in bodies.items():
        assert call(store.read(key)).body == body
        assert call(store.stat(key)).entry.key == key
        assert keys(store, key) == [twin for twin in in_order(list(twins)) if twin.startswith(key)]


@every_case
def test_a_hostile_key_is_deleted_alone(store: Store, case: str) -> None:
    twins = HOSTILE[case]
    for key in twins:
        call(store.write(key, b"bytes"))

    call(store.delete(twins[0]))

    assert keys(store) == in_order(list(twins[1:]))
    with pytest.raises(NotFound):
        call(store.stat(twins[0]))


def test_hostile_keys_are_deleted_together(store: Store, server: str) -> None:
    held = [
        key
        for case, twins in HOSTILE.items()
        if f"test_a_hostile_key_is_held[{case}]" not in SERVERS[server].gaps
        for key in twins
    ]
    held = [key for key in dict.fromkeys(held) if not _hides(key, held)]
    for key in held:
        call(store.write(key, b"bytes"))

    assert call(store.delete_many(held)) == {}

    assert keys(store) == []


def _hides(key: str, held: list[str]) -> bool:
    """A folder cannot hold both an object and others below it."""
    return any(other.startswith(f"{key}/") for other in held)


@every_case
def test_a_folder_holds_a_key_or_refuses_it_by_name(case: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = LocalStore(str(tmp_path / "store"))

    refused = {key: error.key for key in HOSTILE[case] if (error := _refusal(store, key))}

    assert refused == {key: key for key in refused}
    assert keys(store) == in_order([key for key in HOSTILE[case] if key not in refused])
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def _refusal(store: Store, key: str) -> Unholdable | None:
    try:
        call(store.write(key, b"bytes"))
    except Unholdable as refused:
        return refused
    return None
