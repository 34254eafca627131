"""`bucketline ls`: what a location holds, as fast as it can be listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import one_place, side_of
from bucketline.cli.places import hash_memory, open_place
from bucketline.cli.printer import as_json
from bucketline.cli.sanity import check_source
from bucketline.errors import NotFound, printable
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.look.listing import Listing
from bucketline.model import Entry
from bucketline.stores.beyond import refused


@click.command
@click.argument("location")
@one_place
@common
@pass_invocation
def ls(invocation: Invocation, /, location: str, **said: Any) -> None:
    """Modification time (UTC), size and key of each object, in key order."""
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        found = invocation.location(location, side_of(said))
        check_source(found)
        place = open_place(found, hashes)
        notes: list[str] = []
        pages = _pages(place, drive, notes)
        form = _records if invocation.as_json else _lines
        lines = chain.from_iterable(map(form, pages))
        first = next(lines, None)
        if first is None:
            invocation.printer.notice(f"{printable(location)}: nothing is there")
        else:
            invocation.printer.results(chain([first], lines))
        for note in notes:
            invocation.printer.notice(note)
        for name, why in refused(place.store, place.prefix):
            invocation.printer.notice(f"not listed: {name}: {why}")


def _pages(place: Side, drive: Drive, notes: list[str]) -> Iterator[list[Entry]]:
    prefix = place.prefix
    if prefix and not prefix.endswith("/"):
        try:
            yield [drive.call(place.store.stat(prefix)).entry]
        except NotFound:
            prefix += "/"
        else:
            return
    listing = Listing(place.store, prefix, drive)
    yield from listing.pages()
    notes += listing.notes


def _lines(page: Iterable[Entry]) -> list[str]:
    return [
        f"{_when(int(entry.modified))} {entry.size:>12} "
        f"{entry.key if entry.key.isprintable() else printable(entry.key)}"
        for entry in page
    ]


def _records(page: Iterable[Entry]) -> list[str]:
    return [
        as_json(
            {
                "key": entry.key,
                "size": entry.size,
                "modified": entry.modified,
                "etag": entry.etag,
                "tier": entry.tier,
            }
        )
        for entry in page
    ]


@lru_cache(4096)
def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
