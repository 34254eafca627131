"""One address of a service and all that is its own: connections, clock, signer, health, counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from bucketline.errors import StoreError
from bucketline.settings import Remote
from bucketline.stores.base import Route
from bucketline.stores.beyond import EndpointCount
from bucketline.stores.s3.breaker import Breaker
from bucketline.stores.s3.crowd import Crowd
from bucketline.stores.s3.endpoint import Place, place_of
from bucketline.stores.s3.signers import Signs


class Address:
    """One of a remote's endpoints. What changes here belongs to whoever holds the pool's lock."""

    __slots__ = (
        "breaker",
        "bytes_read",
        "bytes_written",
        "crowd",
        "doubt",
        "faults",
        "has_answered",
        "is_corrected",
        "is_dated",
        "is_met",
        "last_error",
        "load",
        "name",
        "offset_seconds",
        "pace",
        "place",
        "requests",
        "route",
        "server",
        "signer",
        "under_way",
        "url",
        "used",
    )

    def __init__(
        self, url: str, place: Place, route: Route, breaker: Breaker, connections: int = 512
    ) -> None:
        self.url = url  # As it is configured; "" = AWS in the region.
        source = route.source_address
        self.name = f"{place.root} from {source}" if source else place.root
        self.place = place
        self.route = route
        self.breaker = breaker
        self.crowd = Crowd(connections)
        self.signer: Signs | None = None
        self.offset_seconds = 0.0  # The server's clock minus ours, when they are far apart.
        self.is_corrected = False  # Once, at least: answers to what was signed before still come.
        self.is_dated = False  # That has been looked at.
        self.is_met = False  # A success has shown who it is.
        self.server = ""  # As it calls itself.
        self.has_answered = False
        self.last_error: StoreError | None = None
        self.requests = self.faults = self.bytes_read = self.bytes_written = 0
        self.under_way = 0
        self.load = 0  # The bytes of what is under way.
        self.pace = 0.0  # Seconds per byte in one exchange; 0 = not known, taken for quick.
        self.doubt = 1  # It is taken for so many times slower, for its faults since a success.
        self.used = 0.0  # When an exchange began last.

    def counts(self, now: float) -> EndpointCount:
        """What it did so far, for the report."""
        return EndpointCount(
            endpoint=self.name,
            requests=self.requests,
            faults=self.faults,
            bytes_read=self.bytes_read,
            bytes_written=self.bytes_written,
            times_opened=self.breaker.times_opened,
            seconds_open=self.breaker.seconds_open(now),
        )


class Turn:
    """One exchange at one address, and what its request is made with."""

    __slots__ = ("address", "began", "epoch", "place", "signer", "weight")

    def __init__(self, address: Address, weight: int, began: float) -> None:
        self.address = address
        self.weight = weight
        self.began = began
        self.epoch = address.breaker.epoch
        # Kept, since another flow may correct them meanwhile.
        self.signer = address.signer
        self.place = address.place


def addresses(
    remote: Remote, bucket: str, chance: Callable[[], float] = random.random
) -> Iterator[Address]:
    """Those of `remote`, in the order of the configuration; AWS is one."""
    sources = remote.source_addresses or ("",) * len(remote.endpoints)
    for url, source in zip(remote.endpoints or ("",), sources or ("",), strict=True):
        place = place_of(replace(remote, endpoints=(url,) if url else ()), bucket)
        route = _route(replace(remote, source_address=source or remote.source_address))
        yield Address(url, place, route, Breaker(chance), remote.connections)


def _route(remote: Remote) -> Route:
    return Route(
        ca_file=remote.ca_bundle,
        verify_tls=remote.verify_tls,
        proxy=remote.proxy,
        no_proxy=remote.no_proxy,
        source_address=remote.source_address,
        connect_timeout_seconds=remote.connect_timeout_seconds,
        idle_timeout_seconds=remote.idle_timeout_seconds,
    )
