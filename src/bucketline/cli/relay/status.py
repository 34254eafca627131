"""`bucketline relay status`: both hops, what is staged, the volumes, and what holds it up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Period
from bucketline.clock import Clock, SystemClock
from bucketline.errors import LedgerError, printable
from bucketline.flow.report.relays import HOPS, RelayRow, relays
from bucketline.flow.report.runs import RunRow
from bucketline.sizes import show_seconds, show_size
from bucketline.stores.spool.survey import Survey

_FATES = ("skipped", "done", "failed", "waiting")
_CLEAR = "\x1b[H\x1b[2J"


@click.command
@click.option("--every", type=Period(), metavar="TIME", help="Look again and again, for ever.")
@common
@pass_invocation
def status(invocation: Invocation, *, every: int | None) -> int:
    """Of every relay of this --state, whether it runs now or not."""
    clock = SystemClock()
    while True:
        code = _show(invocation, clock, is_live=every is not None)
        if every is None:
            return code
        clock.sleep(every)


def _show(invocation: Invocation, clock: Clock, *, is_live: bool) -> int:
    """The exit code."""
    printer, now = invocation.printer, clock.now()
    rows, unreadable = relays(invocation.state_folder)
    if not rows and not unreadable and not invocation.as_json:
        printer.notice(f"{invocation.state_folder}: no relay has run yet")
    _print(invocation, rows, now, is_live=is_live)
    for error in unreadable:
        printer.notice(f"{error}; `bucketline relay repair` makes it anew")
    return LedgerError.exit_code if unreadable else 0


def _print(invocation: Invocation, rows: Sequence[RelayRow], now: float, *, is_live: bool) -> None:
    printer = invocation.printer
    if invocation.as_json:
        for row in rows:
            printer.record(row.as_json(now))
        return
    clear = [_CLEAR] if is_live and sys.stdout.isatty() else []
    printer.results([*clear, *(line for row in rows for line in _lines(row, now))])


def _lines(row: RelayRow, now: float) -> Iterator[str]:
    source, target, name = map(printable, row.identity)
    named = f" ({name})" if name else ""
    yield f"relay    {source} -> {target}{named}: {'runs' if row.is_running else 'does not run'}"
    for hop in HOPS:
        yield _hop(hop, row.fetch if hop == "fetch" else row.forward, row.rate(hop, now))
    parts = [f"{row.staged:,} objects", show_size(row.staged_bytes)]
    if row.oldest:
        since = datetime.fromtimestamp(row.oldest, UTC)
        parts.append(f"the oldest since {since:%Y-%m-%d %H:%M:%S} UTC")
    if (left := row.seconds_left(now)) and row.staged:
        parts.append(f"about {show_seconds(left)} left")
    yield f"staged   {', '.join(parts)}"
    yield from map(_volume, row.volumes)
    if row.error:
        yield f"last     {row.error}"


def _hop(name: str, row: RunRow | None, rate: float) -> str:
    if row is None:
        return f"{name:8} has not run"
    tally = row.tally
    fates = [f"{fate} {getattr(tally, fate):,}" for fate in _FATES]
    if tally.under_way:
        fates.append(f"unfinished {tally.under_way:,}")
    sizes = f"{show_size(tally.bytes_done)}, {show_size(rate)}/s"
    return f"{name:8} {row.state}: listed {tally.listed:,} = {' + '.join(fates)}; {sizes}"


def _volume(one: Survey) -> str:
    if one.reason:
        return f"volume   {one.folder}: away: {one.reason}"
    full = 100 * (one.size - one.free) / one.size if one.size else 0
    held = f"{one.objects:,} objects, {show_size(one.bytes)} staged"
    return f"volume   {one.folder}: {full:.0f} % of {show_size(one.size)} full; {held}"
