"""`bucketline ring listkeys … missing`, and `ring run` for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from bucketline.cli.asking import asking, engine_of
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.places import hash_memory, open_place
from bucketline.cli.ring.shown import Shown
from bucketline.cli.sanity import check_source
from bucketline.clock import SystemClock
from bucketline.config.values import Ring, reveal
from bucketline.engines.ring import findings, old, site
from bucketline.engines.ring.export import export as export_metadata
from bucketline.engines.ring.findings import PHASES
from bucketline.engines.ring.going import Going
from bucketline.engines.ring.old import Old
from bucketline.engines.ring.site import Site
from bucketline.errors import UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.query.base import Bounds, Engine
from bucketline.flow.query.datasets import Dataset
from bucketline.settings import Secret, Side, as_folder

_FOUND = 3
_QUIET = {"TOO_NEW", "FOREIGN"}  # Told, and nothing to worry about.


def options(command: Callable[..., int]) -> click.Command:
    command = pass_invocation(command)
    command = common(command)
    memory = click.option(
        "--memory", default="2GB", show_default=True, metavar="SIZE", help="For SQL, at most."
    )
    threads = click.option("--threads", type=click.IntRange(1, 1024), help="For SQL.")
    return click.command(click.argument("name")(memory(threads(asking(command)))))


def _phase(phase: str, *, is_first: bool = False) -> click.Command:
    def command(invocation: Invocation, /, name: str, *, from_old: str = "", **said: Any) -> int:
        with (
            site_of(invocation, name, said, is_first=is_first) as found,
            _phases(invocation, found, from_old) as phases,
        ):
            phases[phase](found)
            _tell(invocation, found, phase)
        return 0

    return options(command)


_from_old = click.option(
    "--from-old",
    default="",
    metavar="LOCATION",
    help="What the old check left there; covers a part.",
)
listkeys = _from_old(_phase("listkeys", is_first=True))
digest, filter_mains = _phase("digest"), _phase("filter")
orphans, missing = _phase("orphans"), _phase("missing")


@click.option("--bucket", default="", metavar="B", help="This bucket alone: marked as partial.")
@_from_old
@options
def export(invocation: Invocation, /, name: str, *, bucket: str, from_old: str, **said: Any) -> int:
    """Uploads under way are exported before the buckets that they end in."""
    if bucket and from_old:
        raise UsageError("--bucket asks bucketd, and --from-old does not; leave out one of them")
    with (
        site_of(invocation, name, said, is_first=False) as found,
        _phases(invocation, found, from_old) as phases,
    ):
        if bucket:
            export_metadata(found, bucket)
        else:
            phases["export"](found)
        _tell(invocation, found, "export")
    return 0


@_from_old
@options
def run(invocation: Invocation, /, name: str, *, from_old: str, **said: Any) -> int:
    """Goes on where an earlier run of it was interrupted."""
    with (
        site_of(invocation, name, said, is_first=True) as found,
        _phases(invocation, found, from_old) as phases,
    ):
        for phase, perform in phases.items():
            perform(found)
            _tell(invocation, found, phase)
        told = dict(findings.counts(found))
    for kind, count in told.items():
        if invocation.as_json:
            invocation.printer.record({"class": kind, "count": count})
        else:
            invocation.printer.result(f"{kind:20} {count:>12}")
    return _FOUND if told.keys() - _QUIET else 0


@contextmanager
def _phases(
    invocation: Invocation, found: Site, text: str
) -> Iterator[dict[str, Callable[[Site], None]]]:
    """Those that ask the services, or the first two by what the old check left; by one program."""
    with site.alone(found.folder):
        if text:
            with _of_old(invocation, text) as phases:
                yield phases
        else:
            yield PHASES


@contextmanager
def _of_old(invocation: Invocation, text: str) -> Iterator[dict[str, Callable[[Site], None]]]:
    location = invocation.location(text, Side())
    check_source(location)
    side = open_place(location, hash_memory(invocation))
    with closing(open_drive()) as drive:
        left = Old(side.store, as_folder(side.prefix), text, drive)
        theirs = {"listkeys": old.list_keys, "export": old.export}
        yield {**PHASES, **{name: partial(one, old=left) for name, one in theirs.items()}}


@contextmanager
def site_of(
    invocation: Invocation, name: str, said: dict[str, Any], *, is_first: bool
) -> Iterator[Site]:
    """With an engine as it was asked for."""
    ring = ring_of(invocation, name)
    folder = _folder(ring, SystemClock()) if is_first else site.last(ring)
    bounds = Bounds(said["memory"], said["threads"] or 0, folder / "spill")
    with closing(engine_of(said["engine"], said["master"], bounds)) as engine:
        found = site_with(invocation, ring, folder, engine)
        found.going = Going(Shown(invocation, found.clock))
        try:
            yield found
        finally:
            found.going.end()


def site_with(invocation: Invocation, ring: Ring, folder: Path, engine: Engine) -> Site:
    """One whose password nobody sees."""
    password = Secret(reveal(ring.password, invocation.environment) if ring.password else "")
    invocation.printer.hide(password)
    return Site(ring, folder, engine, SystemClock(), password)


def _folder(ring: Ring, clock: SystemClock) -> Path:
    """The last run's while it has not come to its end, else that of a new one."""
    found = site.runs(ring)
    if found and not all(Dataset(found[-1] / phase, ()).is_sealed for phase in PHASES):
        return found[-1]
    return site.begin(ring, clock)


def ring_of(invocation: Invocation, name: str) -> Ring:
    rings = invocation.config.rings
    if name not in rings:
        known = ", ".join(rings) or "none"
        raise UsageError(f"{name}: no such ring in the configuration; there are: {known}")
    return rings[name]


def _tell(invocation: Invocation, found: Site, phase: str) -> None:
    """In place of the line that changes, where there is one."""
    found.going.end()
    if invocation.progress != "none":
        manifest = found.dataset(phase).manifest()
        partial = f"; partial: {manifest.why_partial}" if manifest.why_partial else ""
        invocation.printer.notice(f"{manifest.name}: {manifest.rows:,} rows{partial}")
