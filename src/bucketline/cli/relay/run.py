"""`bucketline relay run`: source -> volumes -> target, for ever or once."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

import click

from bucketline.cli.attributes import keeping_attributes
from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.metering import metering
from bucketline.cli.options import (
    Ordered,
    Period,
    Rates,
    Size,
    Workers,
    choosing,
    options,
    two_places,
)
from bucketline.cli.passing import Around
from bucketline.cli.places import hash_memory, open_for_moves
from bucketline.cli.relay.hop import Hop
from bucketline.cli.relay.options import Watermark, check_volumes, open_spool
from bucketline.cli.relay.relaying import Hops, Relaying
from bucketline.cli.relay.systemd import Pulse, Systemd
from bucketline.cli.relay.wish import RelayWish, relay_wish
from bucketline.cli.sanity import check_pair
from bucketline.cli.wiring import pace_of
from bucketline.clock import Clock, SystemClock
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.ledger import Ledger
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.look.filters import matcher
from bucketline.flow.report.relays import relay_digest, relay_ledgers, volume_memory
from bucketline.flow.run.terms import Stop
from bucketline.settings import as_folder
from bucketline.stores import open_store
from bucketline.stores.spool import Spool
from bucketline.stores.standing import Standing
from bucketline.stores.throttle import Throttled, TokenBucket


def _relaying(command: Any) -> Any:
    return options(
        command,
        click.option("--volume", multiple=True, metavar="DIR", help="Stage objects here; repeat."),
        click.option("--once", is_flag=True, help="End when all is proven; else go on for ever."),
        click.option("--every", type=Period(), metavar="TIME", help="Between looks (60s)."),
        click.option("--workers", type=Workers(), metavar="auto|N", help="Objects at once, a hop."),
        click.option(
            "--bwlimit",
            type=Rates(),
            metavar="RATE",
            help="Bytes per second of each hop: 10M, or '08:00,10M 19:00,off'.",
        ),
        click.option(
            "--watermark",
            type=Watermark(),
            metavar="HIGH:LOW",
            help="Fill volumes up to HIGH %, then wait until they are below LOW (90:75).",
        ),
        click.option(
            "--adopt", multiple=True, metavar="DIR", help="Take from here what older tools left."
        ),
        click.option(
            "--first", multiple=True, metavar="GLOB", help="What matches goes before the rest."
        ),
        click.option("--keep-free", type=Size(), metavar="SIZE", help="On each volume, always."),
        click.option("--max-fetch", type=Size(), metavar="SIZE", help="Fetch no more in one pass."),
        click.option("--max-send", type=Size(), metavar="SIZE", help="Send no more in one pass."),
        click.option(
            "--source-delete-after-proof",
            is_flag=True,
            help="With --once: at the end, delete at SOURCE what is proven at TARGET.",
        ),
        click.option("--max-delete", metavar="N|N%", help="Refuse to delete more (default 1000)."),
        click.option("--log-location", "logs", metavar="LOCATION", help="Keep logs of it there."),
        click.option("--name", metavar="NAME", help="Its name; alone, all comes from that job."),
    )


@click.command(cls=Ordered)
@click.argument("source", required=False)
@click.argument("target", required=False)
@_relaying
@choosing
@keeping_attributes
@metering
@two_places
@common
@pass_invocation
def run(invocation: Invocation, /, **said: Any) -> int:
    """SOURCE and TARGET are s3://bucket/prefix/, name:bucket/prefix/ or a folder."""
    wish = relay_wish(invocation, said)
    check_pair(wish.source, wish.target)
    check_volumes(wish.volumes, wish.source, wish.target)
    state, clock = invocation.made_state_folder(), SystemClock()
    systemd = Systemd(invocation.environment)
    paths = relay_ledgers(state, wish.identity)[: 3 if wish.clears else 2]
    with ExitStack() as stack:
        ledgers = [stack.enter_context(Ledger.open(path)) for path in paths]
        drives = [stack.enter_context(closing(open_drive())) for _ in paths[:2]]
        memory, job = volume_memory(paths[0]), relay_digest(wish.identity)
        spool = open_spool(wish.volumes, job, wish.marks, clock, memory)
        stack.enter_context(closing(spool))
        spool.index.is_urgent = matcher(wish.first, as_folder(wish.target.prefix))
        hashes, pulse = stack.enter_context(hash_memory(invocation)), Pulse(systemd)
        parts = _Parts(invocation, wish, hashes, Stop(), pulse)
        fetch = parts.fetch(drives[0], ledgers[0], spool)
        forward = parts.forward(drives[1], ledgers[1])
        clear = parts.clear(drives[0], ledgers[2]) if wish.clears else None
        return Relaying(wish, spool, Hops(fetch, forward, clear), parts.stop, pulse).go()


@dataclass(frozen=True)
class _Parts:
    """Puts the two hops together, each with its own connections."""

    invocation: Invocation
    wish: RelayWish
    hashes: Hashes
    stop: Stop
    clock: Clock

    def fetch(self, drive: Drive, ledger: Ledger, spool: Spool) -> Hop:
        source, target = self._sides()
        endpoints = Endpoints.of(
            self.invocation, self.clock, self.stop, source=source.store, target=target.store
        )
        if (there := endpoints.stores.get("target")) is not None:
            there.pool.is_patient = None  # Who cannot look there fetches all the same.
        source = replace(source, sort=endpoints.must_sort("source"))
        if self.wish.adopts:
            folders = [open_store(one, clock=self.clock) for one in self.wish.adopts]
            standing = Standing(source.store, folders, as_folder(source.prefix))
            source = replace(source, store=standing)
        target = replace(target, sort=endpoints.must_sort("target"))
        around = self._around(drive, ledger, endpoints, source)
        return Hop("fetch", self.wish, around, (source, target), spool)

    def forward(self, drive: Drive, ledger: Ledger) -> Hop:
        source, target = self._sides()
        rates = self.wish.rates
        if rates is not None:
            bandwidth = TokenBucket(rates.rate, self.clock)
            target = replace(target, store=Throttled(target.store, bandwidth=bandwidth))
        endpoints = Endpoints.of(self.invocation, self.clock, self.stop, target=target.store)
        around = self._around(drive, ledger, endpoints, target)
        return Hop("forward", self.wish, around, (source, target), target.store)

    def clear(self, drive: Drive, ledger: Ledger) -> Hop:
        source, target = self._sides()
        endpoints = Endpoints.of(
            self.invocation, self.clock, self.stop, source=source.store, target=target.store
        )
        around = self._around(drive, ledger, endpoints, source)
        return Hop("clear", self.wish, around, (source, target), source.store)

    def _sides(self) -> tuple[Side, Side]:
        wish = self.wish
        return open_for_moves(wish.source, wish.target, self.hashes, wish.rates)

    def _around(self, drive: Drive, ledger: Ledger, endpoints: Endpoints, side: Side) -> Around:
        pace = pace_of(self.wish.workers, side.store)
        return Around(self.invocation, drive, ledger, self.clock, self.stop, pace, endpoints)
