"""`bucketline thaw`: have what is in archive tiers readable for a while."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.metering import metering
from bucketline.cli.options import (
    Ordered,
    Period,
    Said,
    Workers,
    filtering,
    one_place,
    side_of,
)
from bucketline.cli.printer import as_json
from bucketline.cli.thaw_job import write_job
from bucketline.cli.thawing import THAW, Thawing, Waiting
from bucketline.cli.wiring import identity
from bucketline.engines.thaw import Expected, Thawed
from bucketline.errors import UsageError, printable
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger import Ledger, job_path
from bucketline.flow.prices import Amount, Prices
from bucketline.flow.thaw import RATE, RATE_MAX, SPEEDS, Wish
from bucketline.model import Thaw
from bucketline.sizes import show_moment, show_size


@click.command(cls=Ordered)
@click.argument("location")
@filtering
@click.option(
    "--tier",
    type=click.Choice(SPEEDS, case_sensitive=False),
    default="Standard",
    help="How fast, and how dear (Standard).",
)
@click.option("--days", type=click.IntRange(1, 36_500), default=7, help="Readable so long (7).")
@click.option(
    "--at-least",
    type=Period(),
    default=43_200,
    metavar="TIME",
    help="Ask again for what would freeze again sooner (12h).",
)
@click.option("--upgrade", is_flag=True, help="Ask again, at this tier, for what is being thawed.")
@click.option(
    "--rate", type=click.IntRange(1, RATE_MAX), default=RATE, help=f"Requests a second ({RATE})."
)
@click.option("--workers", type=Workers(), metavar="auto|N", help="Objects under way.")
@click.option("--wait", is_flag=True, help="Stay, and look again, until all can be read.")
@click.option("--every", type=Period(), metavar="TIME", help="Between looks with --wait (15m).")
@click.option("--max-duration", type=Period(), metavar="TIME", help="Wait no longer than that.")
@click.option("--prices", metavar="FILE", help="What the archive asks for, for --dry-run.")
@click.option("--s3-batch", "manifest", metavar="MANIFEST", help="Write a manifest, and ask not.")
@click.option(
    "--s3-batch-above",
    "manifest_above",
    type=click.IntRange(0),
    metavar="N",
    help="With it: ask here for so many at most, and write no manifest.",
)
@click.option("--job", metavar="FILE", help="With it: the request of the job, else it is printed.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be asked for.")
@metering
@one_place
@common
@pass_invocation
def thaw(invocation: Invocation, /, location: str, *, dry_run: bool, **said: Any) -> int:
    """Asks for all that GLACIER, DEEP_ARCHIVE and INTELLIGENT_TIERING have archived at LOCATION.

    Exit code 4: some of it cannot be read yet; run it again, or have it --wait.
    """
    place = invocation.location(location, side_of(said))
    if place.remote is None:
        raise UsageError(f"{printable(location)}: is a folder; only a bucket has archive tiers")
    wish = Wish(said["tier"], said["days"], said["at_least"], said["upgrade"])
    _check_manifest(said, dry_run=dry_run)
    prices = Prices.read(Path(said["prices"])) if said["prices"] else None
    with closing(open_drive()) as drive:
        thawing = Thawing(invocation, place, wish, drive, said)
        code = write_job(invocation, thawing, wish, said) if said["manifest"] else None
        if code is not None:
            return code
        if dry_run:
            _print_plan(invocation, thawing.engine(), wish, prices)
            return 0
        path = job_path(invocation.state_folder, THAW, identity(place), "")
        every = said["every"] or (60 if wish.speed == "Expedited" else 900)
        waiting = Waiting(every, said["max_duration"]) if said["wait"] else None
        with Ledger.open(path) as ledger:
            return thawing.go(ledger, waiting)


def _check_manifest(said: Said, *, dry_run: bool) -> None:
    if said["manifest"]:
        if dry_run and said["manifest_above"] is not None:
            raise UsageError("--s3-batch-above: a dry run shows how many it is; leave it out there")
        return
    for name, option in (("job", "--job"), ("manifest_above", "--s3-batch-above")):
        if said[name] is not None:
            raise UsageError(f"{option} goes with --s3-batch MANIFEST; say both or neither")


def _print_plan(invocation: Invocation, engine: Thawed, wish: Wish, prices: Prices | None) -> None:
    """Each object that an archive holds, on a line, and what they come to."""
    expected = Expected()
    form = _record if invocation.as_json else _line
    invocation.printer.results(form(step) for step in expected.counted(engine.plan()))
    for note in engine.notes:
        invocation.printer.notice(note)
    cost = prices.of_thaw(expected.amounts, wish.speed, wish.days) if prices else None
    if invocation.as_json:
        invocation.printer.record(_totals(expected, wish, prices, cost))
    else:
        invocation.printer.result(_said(expected, wish, prices, cost))


def _line(step: Thaw) -> str:
    tier, size = step.target.tier, show_size(step.target.size)
    until = f" until {show_moment(step.until)}" if step.until else ""
    return f"thaw {printable(step.key)} ({step.state or 'unknown'}{until}, {tier}, {size})"


def _record(step: Thaw) -> str:
    fields: dict[str, Any] = {"event": "planned", "verb": step.verb.value, "key": step.key}
    fields |= {"bytes": step.target.size, "tier": step.target.tier, "state": step.state}
    return as_json(fields | ({"until": step.until} if step.until else {}))


def _said(expected: Expected, wish: Wish, prices: Prices | None, cost: float | None) -> str:
    whole = sum(expected.amounts.values(), Amount())
    tiers = ", ".join(
        f"{tier} {one.objects:,} ({show_size(one.size)})"
        for tier, one in sorted(expected.amounts.items())
    )
    said = [f"would ask for {whole.objects:,} ({show_size(whole.size)})", *filter(None, [tiers])]
    said.append(f"{wish.speed}, {wish.days} days")
    said += [f"{state} {count:,}" for state, count in sorted(expected.rest.items())]
    said += [f"takes {longest}"] if (longest := expected.longest(wish)) else []
    said += [f"about {cost:,.2f} {prices.currency}".strip()] if prices and cost is not None else []
    return " · ".join([*said, "nothing was changed"])


def _totals(
    expected: Expected, wish: Wish, prices: Prices | None, cost: float | None
) -> dict[str, Any]:
    whole = sum(expected.amounts.values(), Amount())
    fields: dict[str, Any] = {"event": "plan", "requests": whole.objects, "bytes": whole.size}
    fields["tiers"] = {
        tier: {"objects": one.objects, "bytes": one.size}
        for tier, one in sorted(expected.amounts.items())
    }
    fields |= {"rest": dict(sorted(expected.rest.items())), "takes": expected.longest(wish)}
    if prices and cost is not None:
        fields |= {"cost": round(cost, 4), "currency": prices.currency}
    return fields
