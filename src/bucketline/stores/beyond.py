"""What some stores can tell or use beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from bucketline.errors import printable
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store


class Remembering(Protocol):
    """A store that does not know its etags by itself; its entries bear stamps."""

    def remember(self, entry: Entry, etag: str) -> None:
        """The bytes that were read of `entry` have this etag: listings tell it from now on."""


def remember(store: Store, entry: Entry, etag: str) -> None:
    """Whoever has read and hashed all of `entry` tells its store, if that can use it."""
    if entry.stamp:
        cast("Remembering", store).remember(entry, etag)


def first_part(store: Store, entry: Entry) -> Flow[int]:
    """The size of the first part of an object that was written in parts; 0 = nobody tells."""
    ask = getattr(store, "first_part", None)
    if ask is None or "-" not in entry.etag:
        return 0
    size: int = yield from ask(entry)
    return size


def refused(store: Store, prefix: str) -> list[tuple[str, str]]:
    """What the last listing of `prefix` met that no key can stand for, as text, and why."""
    found: Mapping[str, str] = getattr(store, "refused", {})
    shown = printable(prefix)  # As the names are: a key made of one fits no object's.
    return sorted(
        (prefix + name.removeprefix(shown), why)
        for name, why in found.items()
        if name.startswith(shown)
    )


def may_lack(store: Store, prefix: str) -> bool:
    """Whether the last listing of `prefix` ended where the server may have cut it in silence."""
    return prefix in getattr(store, "cut_short", ())
