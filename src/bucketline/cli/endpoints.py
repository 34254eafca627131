"""The endpoints of a run's sides: waited for while all are down, and counted in its ledger."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bucketline.cli.invocation import Invocation
from bucketline.clock import Clock
from bucketline.flow.ledger import Ledger
from bucketline.flow.report.endpoints import Counts, as_records
from bucketline.flow.run.terms import Stop
from bucketline.sizes import show_seconds
from bucketline.stores.base import Store
from bucketline.stores.beyond import EndpointCount

if TYPE_CHECKING:
    from bucketline.stores.s3 import Manners, Pool, S3Store

_EVERY_SECONDS = 5.0


class Down(NamedTuple):
    """A side none of whose endpoints works."""

    side: str
    since: float  # Seconds since 1970.
    why: str

    def __str__(self) -> str:
        return f"{self.side} down since {datetime.fromtimestamp(self.since, UTC):%H:%M:%S} UTC"

    def as_record(self) -> dict[str, Any]:
        return {"side": self.side, "since": round(self.since, 3), "message": self.why}


@dataclass
class Endpoints:
    """Those of one command; folders have none."""

    stores: Mapping[str, S3Store]  # By the side.
    clock: Clock
    manners: Manners | None = None  # What is known of them from earlier runs.
    others: dict[object, Counts] = field(default_factory=dict)  # What other processes tell of them.
    _seen: dict[str, Down] = field(default_factory=dict)

    @classmethod
    def of(cls, invocation: Invocation, clock: Clock, stop: Stop, **sides: Store) -> Endpoints:
        """Their exchanges wait, from here on, as long as nobody wants the run to end."""
        found = {side: cast("S3Store", s) for side, s in sides.items() if hasattr(s, "pool")}
        if not found:
            return cls({}, clock)
        manners = manners_of(invocation, clock)
        for store in found.values():
            store.pool.is_patient = lambda: not (stop.drain or stop.now)
            store.recall(manners)
        return cls(found, clock, manners)

    def must_sort(self, side: str) -> bool:
        """Whether it is known that its listing comes without order."""
        store = self.stores.get(side)
        return store is not None and self.manners is not None and store.must_sort(self.manners)

    def remember(self, *unsorted: str) -> None:
        """Keep what was learnt of them for the next runs; also which sides list without order."""
        if self.manners is None:
            return
        for side, store in self.stores.items():
            store.teach(self.manners, must_sort=side in unsorted)
        self.manners.save()

    @property
    def pools(self) -> dict[str, Pool]:
        return {side: store.pool for side, store in self.stores.items()}

    def down(self) -> list[Down]:
        """The sides that are waited for now."""
        found = []
        for side, pool in self.pools.items():
            outage = pool.outage() if pool.has_answered else None
            if outage is not None:
                found.append(Down(side, outage.since, str(outage.error)))
        return found

    def news(self) -> Iterator[str]:
        """What has changed since the last call, for a person."""
        now_down = {one.side: one for one in self.down()}
        for side, one in now_down.items():
            if side not in self._seen:
                yield f"{one}: {one.why}; waiting, all goes on when it is back"
        for side, one in self._seen.items():
            if side not in now_down:
                yield f"{side} is back after {show_seconds(self.clock.now() - one.since)}"
        self._seen = now_down

    def counts(self) -> Counts:
        """What each did so far."""
        counts = [(side, count) for side, pool in self.pools.items() for count in pool.counts()]
        if not self.others:
            return counts
        sums = {_name(side, count): count for side, count in counts}
        for told in self.others.values():
            for side, count in told:
                name = _name(side, count)
                sums[name] = _changed(sums[name], count, operator.add) if name in sums else count
        return [(side, count) for (side, _), count in sums.items()]


class Meter:
    """Writes into the ledger, every few seconds, how far one run is and what the endpoints did."""

    def __init__(
        self, endpoints: Endpoints, ledger: Ledger, run: str, found: Callable[[], int]
    ) -> None:
        self.endpoints = endpoints
        self._ledger = ledger
        self._run = run
        self._found = found  # How many objects are known to take part.
        self._before = {_name(side, count): count for side, count in endpoints.counts()}
        self._due = endpoints.clock.monotonic() + _EVERY_SECONDS

    def counts(self) -> Counts:
        """Since this run began."""
        return [
            (side, _changed(count, self._before[_name(side, count)], operator.sub))
            for side, count in self.endpoints.counts()
        ]

    def tick(self) -> None:
        """Write it down if it is time."""
        if self.endpoints.clock.monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        self._due = self.endpoints.clock.monotonic() + _EVERY_SECONDS
        self._ledger.endpoints.count(self._run, self.counts(), self._found())

    def as_records(self) -> list[dict[str, Any]]:
        return as_records(self.counts())


def manners_of(invocation: Invocation, clock: Clock) -> Manners:
    """What is known of endpoints from earlier runs."""
    # Imported here: who has only folders needs none of it.
    from bucketline.stores.s3 import Manners

    return Manners(invocation.state_folder, clock, invocation.printer.notice)


def _name(side: str, count: EndpointCount) -> tuple[str, str]:
    return side, count.endpoint


def _changed(
    count: EndpointCount, other: EndpointCount, change: Callable[[Any, Any], Any]
) -> EndpointCount:
    return EndpointCount(count.endpoint, *map(change, count[1:], other[1:]))
