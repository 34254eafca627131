"""What is to be verified of a backup: what its catalogue tells of, whichever machine made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain

from bucketline.cli.deliveries import Deliveries
from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.rows import Row
from bucketline.errors import BucketDenied, NoBucket
from bucketline.flow.look.listing import Caller
from bucketline.flow.report.delivered import Delivered
from bucketline.settings import Location, holds
from bucketline.stores.base import Store


def catalogue_at(location: Location, store: Store, drive: Caller) -> Catalogue | None:
    """The one of the backup that the place is, or is in; None = it is no backup."""
    if location.remote is None:
        return None
    try:
        found = Catalogue.nearest(store, location.prefix, drive)
    except (BucketDenied, NoBucket):
        return None  # To list is more than a verification needs.
    return None if found.is_new else found


def catalogued(
    catalogues: Sequence[Catalogue], location: Location, deliveries: Deliveries, *, is_all: bool
) -> Deliveries:
    """What ledgers tell of, as the catalogues (in the order of their prefixes, none in another one)
    have it; with `is_all`, what only those tell of, too.

    A purge, or a delete marker that was backed up, takes objects away that ledgers still know.
    """

    def told() -> Iterator[Delivered]:
        every = chain.from_iterable(one.rows() for one in catalogues)
        rows = (row for row in every if holds(location.prefix, row.key))
        for one, row in _joined(deliveries(), rows):
            if row is None:
                # What came later than the catalogue is not in it yet; what came before is gone.
                found = one if one is not None and _is_news(one, catalogues) else None
            else:
                found = _as_told(one, row) if one is not None or is_all else None
            if found is not None:
                yield found

    return told


def _is_news(one: Delivered, catalogues: Sequence[Catalogue]) -> bool:
    """Whether no catalogue should know of it: it came later, or lies in none of the backups."""
    its = (there for there in catalogues if one.key.startswith(there.prefix))
    return all(one.time > there.manifest.time for there in its)


def _joined(
    known: Iterator[Delivered], rows: Iterator[Row]
) -> Iterator[tuple[Delivered | None, Row | None]]:
    one, row = next(known, None), next(rows, None)
    while one is not None or row is not None:
        if row is None or (one is not None and one.key < row.key):
            yield one, None
            one = next(known, None)
        elif one is None or row.key < one.key:
            yield None, row
            row = next(rows, None)
        else:
            yield one, row
            one, row = next(known, None), next(rows, None)


def _as_told(one: Delivered | None, row: Row) -> Delivered | None:
    """None = the backup shows no such object, or nobody knows a hash of it."""
    if row.purged or (row.history and row.deleted):
        return None
    if one is not None and not row.history and (one.target_etag == row.etag or not row.hashes):
        return one
    if not row.hashes:
        return None
    is_of_it = one is not None and one.run == row.run
    return Delivered(
        row.key,
        row.size,
        row.run,
        one.time if one is not None and is_of_it else _began(row.run),
        proof=row.proof,
        hashes=row.hashes,
        source_etag=row.source_etag,
        target_etag=row.etag,
        version=row.version,
    )


def _began(run: str) -> float:
    """When; a run's name tells it."""
    try:
        return datetime.strptime(run[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
