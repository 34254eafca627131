"""The versions of each key, oldest first, and which of them a backup holds already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from bucketline.engines.backup.rows import MARKER, Row
from bucketline.errors import BadListing
from bucketline.flow.look.listing import Caller
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, together
from bucketline.stores.beyond import Version, page_of_versions

_key_of = attrgetter("entry.key")
_AT_ONCE = 32
_PAGE = 1_000


class Chain(NamedTuple):
    """All that a key has been."""

    key: str
    versions: list[Version]  # Oldest first; a delete marker is one, too.

    @property
    def newest(self) -> Version:
        return self.versions[-1]


class Standing(NamedTuple):
    """How a backup stands to a chain of its source."""

    rows: list[Row]  # Of what it holds, oldest first.
    missing: list[Version]  # What is to be put behind, oldest first.
    is_unrecorded: bool  # Some of the rows are not in the catalogue as they are.


def chains(store: Store, prefix: str, drive: Caller) -> Iterator[Chain]:
    """Every key's, in key order. Raises `BadListing` where they come in no order."""
    last: Chain | None = None
    token, is_cut = "", True
    while is_cut:
        page = drive.call(page_of_versions(store, prefix, token))
        # Some servers tell the markers of a page behind its other versions.
        for key, some in groupby(sorted(page.versions, key=_key_of), _key_of):
            if last is not None and last.key == key:
                last.versions.extend(some)
                continue
            if last is not None:
                yield _in_time(last)
                if key < last.key:
                    said = "its versions do not come in the order of keys"
                    raise BadListing(said, store=store.name)
            last = Chain(key, list(some))
        token, is_cut = page.token, bool(page.token)
    if last is not None:
        yield _in_time(last)


def named_chains(store: Store, keys: Sequence[str], drive: Caller) -> Iterator[Chain]:
    """Those of these keys, which are in order, that ever were."""
    for at in range(0, len(keys), _PAGE):
        some = keys[at : at + _PAGE]
        told = drive.call(together([chain(store, key) for key in some], _AT_ONCE))
        yield from (
            Chain(key, versions) for key, versions in zip(some, told, strict=True) if versions
        )


def chain(store: Store, key: str) -> Flow[list[Version]]:
    """One key's, oldest first; none if it never was."""
    found: list[Version] = []
    token = ""
    while True:
        page = yield from page_of_versions(store, key, token)
        found += [one for one in page.versions if one.entry.key == key]
        token = page.token
        if not token or any(one.entry.key > key for one in page.versions):
            return _in_time(Chain(key, found)).versions


def standing(wanted: Sequence[Version], held: Sequence[Version], known: Sequence[Row]) -> Standing:
    """What of `wanted` the backup holds: by what the catalogue has `known`, and what that does not
    know, as after a crash or without a catalogue, by its content, in order.
    """
    named = {_name_of_row(row): row for row in known}
    recorded = {row.version for row in known}
    loose = [one for one in wanted if _name(one) not in named]
    rows, place = list(known), 0
    for other in held:
        is_known = place == len(loose) or other.entry.version in recorded
        if not is_known and _is_same(loose[place], other):
            rows.append(row_of_version(loose[place], other))
            place += 1
    return Standing(rows, loose[place:], is_unrecorded=place > 0)


def is_behind(wanted: Sequence[Version], missing: Sequence[Version]) -> bool:
    """Whether all that is missing is newer than all that is not: versions only grow at one end."""
    return not missing or list(wanted[-len(missing) :]) == list(missing)


def row_of_version(source: Version, held: Version) -> Row:
    """What two listings tell."""
    entry, there = source.entry, held.entry
    return Row(
        *("", entry.size, there.etag, there.version, entry.etag, entry.version, entry.modified),
        state=MARKER if source.is_delete_marker else "",
    )


def with_versions(
    rows: Sequence[Row], held: Sequence[Version], known: Sequence[Row]
) -> list[Row] | None:
    """Freshly written ones with the versions that they have become, behind those that are known;
    None = they are not there. A marker behind another one may be that: Ceph makes no second one.
    """
    recorded = {row.version for row in known}
    new = [one for one in held if one.entry.version not in recorded]
    told, place = [*known[-1:]], 0
    for row in rows:
        is_second = bool(told) and told[-1].state == row.state == MARKER
        if is_second and not (place < len(new) and new[place].is_delete_marker):
            told.append(replace(row, version=told[-1].version))
            continue
        while place < len(new) and not _is_it(row, new[place]):
            place += 1
        if place == len(new):
            return None
        told.append(replace(row, version=new[place].entry.version))
        place += 1
    return told[len(known[-1:]) :]


def _is_it(row: Row, held: Version) -> bool:
    if row.version:
        return row.version == held.entry.version
    if row.state == MARKER or held.is_delete_marker:
        return held.is_delete_marker and row.state == MARKER
    return (row.size, row.etag) == (held.entry.size, held.entry.etag)


def _is_same(source: Version, held: Version) -> bool:
    if source.is_delete_marker or held.is_delete_marker:
        return source.is_delete_marker == held.is_delete_marker
    one, other = source.entry, held.entry
    return (one.size, one.etag) == (other.size, other.etag)


def _name(version: Version) -> tuple[str, float, str]:
    """The version `null` can be written again: then it is another one."""
    return _named(version.entry)


def _name_of_row(row: Row) -> tuple[str, float, str]:
    return _named(Entry("", 0, row.modified, row.source_etag, row.source_version))


def _named(entry: Entry) -> tuple[str, float, str]:
    if entry.version not in ("", "null"):
        return entry.version, 0.0, ""
    return "null", entry.modified, entry.etag


def _in_time(told: Chain) -> Chain:
    """Listings tell the newest first; of the same second, their order counts."""
    newest_first = sorted(told.versions, key=lambda one: (not one.is_latest, -one.entry.modified))
    return Chain(told.key, newest_first[::-1])
