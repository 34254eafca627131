"""Opens the places that a person pointed at."""

from __future__ import annotations

from dataclasses import replace

from bucketline.cli.sanity import resolved
from bucketline.clock import SystemClock
from bucketline.flow.sides import Side
from bucketline.settings import Location
from bucketline.stores import open_store
from bucketline.stores.wrap import Retrying, Throttled


def open_place(location: Location) -> Side:
    """A side to look at."""
    place = resolved(location)
    return Side(Retrying(open_store(place, clock=SystemClock())), place.prefix)


def open_sides(
    source: Location, target: Location, *, bytes_per_second: int | None = None
) -> tuple[Side, Side]:
    """Both sides; what is read from the source is what the limit counts, once."""
    here, there = open_place(source), open_place(target)
    if bytes_per_second:
        here = replace(here, store=Throttled(here.store, bytes_per_second))
    return here, there
