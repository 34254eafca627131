"""`bucketline ring reclaim` and `undelete`: nothing goes without the hash of a plan."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.places import open_shelf
from bucketline.cli.ring.phases import options, site_of
from bucketline.engines.ring.gates import Terms, examine
from bucketline.engines.ring.plan import Plan, load, make
from bucketline.engines.ring.quarantine import Quarantine
from bucketline.engines.ring.reclaim import Manner
from bucketline.engines.ring.reclaim import reclaim as carry_out
from bucketline.engines.ring.site import Site
from bucketline.engines.ring.undelete import undelete as bring_back
from bucketline.errors import printable
from bucketline.settings import Side
from bucketline.sizes import show_size

_FAILED, _WAITING, _REFUSED = 1, 4, 7


@click.option("--approve", default="", metavar="HASH", help="Carry out the plan of this hash.")
@click.option("--allow-orphans", type=int, metavar="N", help="Exactly so many, however large.")
@click.option(
    "--rate", type=click.FloatRange(0.01, 10_000), default=50.0, help="Keys a second, at most."
)
@click.option(
    "--canary", type=click.IntRange(1, 100), default=100, help="So many first; then a pause."
)
@click.option(
    "--quarantine", default="", metavar="LOCATION", help="Copy each there before its delete."
)
@options
def reclaim(invocation: Invocation, /, name: str, *, approve: str, **said: Any) -> int:
    """Without --approve nothing is deleted: the gates are looked at, and a plan is written. With
    it the first few go; a quarter of an hour later the same command deletes the rest.
    """
    terms = Terms(said["allow_orphans"])
    with site_of(invocation, name, said, is_first=False) as found:
        if not approve:
            return _planned(invocation, found, terms)
        plan = load(found, approve)
        place = said["quarantine"] or found.ring.quarantine
        quarantine = _opened(invocation, place) if place else None
        told = carry_out(found, plan, Manner(said["rate"], said["canary"], terms, quarantine))
    _tell(invocation, {"planned": len(plan.items)}, told)
    if told["failed"]:
        return _FAILED
    return _WAITING if told["waiting"] else 0


@click.option("--plan", required=True, metavar="HASH", help="The one that was carried out.")
@click.option("--key", default="", metavar="MAIN", help="This main chunk alone.")
@click.option(
    "--quarantine", default="", metavar="LOCATION", help="Where the copies are, if moved since."
)
@options
def undelete(invocation: Invocation, /, name: str, *, plan: str, key: str, **said: Any) -> int:
    """Every chunk is brought back from its tombstone and looked at; where the ring has purged it,
    its object is put back from the quarantine, if it was copied there.
    """
    opener = cache(lambda place: _opened(invocation, said["quarantine"] or place))
    with site_of(invocation, name, said, is_first=False) as found:
        told = bring_back(found, plan, key, opener=opener)
    _tell(invocation, {}, told)
    return _FAILED if told["failed"] else 0


def _opened(invocation: Invocation, text: str) -> Quarantine:
    """Folders are remembered by their whole path: the next command may be called elsewhere."""
    place = invocation.location(text, Side())
    shelf = open_shelf(place)
    return Quarantine(shelf.store, shelf.prefix, text if place.remote else place.folder)


def _planned(invocation: Invocation, found: Site, terms: Terms) -> int:
    is_shut = False
    for gate in examine(found, terms):
        is_shut |= bool(gate.why)
        if invocation.as_json:
            invocation.printer.record({"gate": gate.name, "open": not gate.why, "why": gate.why})
        else:
            state = f"shut: {gate.why}" if gate.why else "open"
            invocation.printer.result(printable(f"gate {gate.name:10} {state}"))
    if is_shut:
        return _REFUSED
    plan, path, count = make(found)
    if count:
        said = "orphans are left out: an object of their bucket does not say where its data is"
        invocation.printer.notice(f"{count:,} {said} (EMPTY_MD, NO_LOCATION)")
    _show(invocation, plan, str(path))
    return 0


def _show(invocation: Invocation, plan: Plan, path: str) -> None:
    about = {"objects": len(plan.items), "bytes": plan.bytes, "expires": plan.expires}
    if invocation.as_json:
        invocation.printer.record({"plan": plan.sha256, "file": path, **about})
        return
    until = f"{datetime.fromtimestamp(plan.expires, UTC):%Y-%m-%d %H:%M}Z"
    said = f"{len(plan.items):,} objects, {show_size(plan.bytes)}; may be approved until {until}"
    invocation.printer.result(f"plan {said}")
    invocation.printer.result(printable(f"read it: {path}"))
    command = f"bucketline ring reclaim {plan.ring} --approve {plan.sha256}"
    invocation.printer.result(f"nothing was deleted; to do it: {command}")


def _tell(invocation: Invocation, first: dict[str, int], told: Counter[str]) -> None:
    numbers = {**first, **{name: told[name] for name in ("done", "skipped", "failed", "waiting")}}
    if invocation.as_json:
        invocation.printer.record(numbers)
    else:
        invocation.printer.result(", ".join(f"{n:,} {name}" for name, n in numbers.items()))
