"""`bucketline check` of inventories: which word means which, and a comparison of their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from bucketline.cli.check_lines import formed, tell
from bucketline.cli.deliveries import wanted
from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Period, Said, options, rules_in_order, side_of
from bucketline.cli.places import hash_memory, inventory_place, open_place
from bucketline.cli.sanity import check_source, resolved
from bucketline.cli.wiring import look_of
from bucketline.clock import SystemClock
from bucketline.engines.inventories.compare import Comparison, Inventory, Live, Terms
from bucketline.engines.inventories.told import Epoch, Told, chosen, of_delivered, of_entries, pages
from bucketline.errors import LedgerError, UsageError, printable
from bucketline.flow.compare.lines import Line, reported
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.look.filters import Filter
from bucketline.flow.look.listing import Listing
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.duck import Duck
from bucketline.settings import as_folder
from bucketline.sizes import show_size

if TYPE_CHECKING:
    from bucketline.engines.ring.site import Site

KINDS = ("inventory", "ledger", "ring")
_ALONE = ("source_under", "target_under", "live_source", "live_target", "grace", "also")


def compared(command: Callable[..., Any]) -> Callable[..., Any]:
    """What only comparisons of inventories know."""
    return options(
        command,
        click.option(
            "--engine",
            type=click.Choice(["duckdb"]),
            help="Compare as tables by SQL: always so where a side is an inventory.",
        ),
        click.option("--memory", default="2GB", metavar="SIZE", help="For SQL, at most."),
        click.option("--threads", type=click.IntRange(1, 1024), help="For SQL."),
        click.option("--source-under", metavar="PREFIX", help="Of SOURCE, keys behind PREFIX."),
        click.option("--target-under", metavar="PREFIX", help="Of TARGET, keys behind PREFIX."),
        click.option("--live-source", metavar="LOCATION", help="Where SOURCE's objects are."),
        click.option("--live-target", metavar="LOCATION", help="Where TARGET's objects are."),
        click.option("--grace", type=Period(), metavar="TIME", help="What is newer is too new."),
        click.option(
            "--also",
            multiple=True,
            type=click.Choice(["version", "class"]),
            help="Compare version ids or storage classes, too.",
        ),
        click.option("--no-recheck", is_flag=True, help="Do not look at what differs again."),
    )


def is_inventory(invocation: Invocation, text: str) -> bool:
    """`inventory:…`, `ledger:…` or `ring:…`; a remote of that name goes before."""
    kind, mark, _ = text.partition(":")
    return bool(mark) and kind in KINDS and kind not in invocation.config.remotes


def is_wanted(invocation: Invocation, words: tuple[str, str], said: Said) -> bool:
    """Whether tables are compared; what makes sense for them alone is refused otherwise."""
    if said["engine"] or any(is_inventory(invocation, word) for word in words):
        if said["compare"]:
            raise UsageError("--compare is for two locations; inventories are compared by all")
        return True
    if alone := [name for name in _ALONE if said[name]]:
        shown = alone[0].replace("_", "-")
        raise UsageError(f"--{shown} is for inventories; say --engine duckdb to compare as tables")
    return False


def check(invocation: Invocation, words: tuple[str, str], said: Said) -> int:
    """The lines of a comparison, and what it comes to."""
    if said["every"]:
        raise UsageError("--all is for two locations; what is equal is only counted here")
    with comparison(invocation, words, said) as found:
        found.perform()
        lines: Iterator[Line] = found.lines()
        if said["report"]:
            lines = reported(lines, Path(said["report"]))
        invocation.printer.results(formed(lines, invocation))
        summary = found.summary
    classes = {kind: {"keys": n, "bytes": size} for kind, (n, size) in found.classes.items()}
    if not invocation.as_json:
        for kind, (count, size) in found.classes.items():
            invocation.printer.notice(f"{kind}: {count:,} keys, {show_size(size)}")
    tell(invocation, summary, found.said, {"classes": classes})
    return summary.exit_code


@contextmanager
def comparison(invocation: Invocation, words: tuple[str, str], said: Said) -> Iterator[Comparison]:
    """What is to be performed."""
    look = look_of("auto", rules_in_order(said), said["only"])
    terms = Terms(said["grace"] or 0, tuple(said["also"]), not said["no_recheck"])
    with (
        closing(open_drive()) as drive,
        hash_memory(invocation) as hashes,
        TemporaryDirectory(prefix="bucketline-check-") as scratch,
        closing(Duck(Bounds(said["memory"], said["threads"] or 0, Path(scratch, "spill")))) as duck,
    ):
        open_side = _Opening(invocation, said, drive, hashes, look.filter, scratch)
        a, b = (open_side.side(*one) for one in zip(("source", "target"), words, strict=True))
        yield Comparison(a, b, duck, drive, Path(scratch), terms)


@dataclass(frozen=True)
class _Opening:
    """Makes inventories of words."""

    invocation: Invocation
    said: Said
    drive: Drive
    hashes: Hashes
    filter: Filter
    scratch: str

    def side(self, name: str, word: str) -> Inventory:
        kind, _, rest = word.partition(":")
        if not is_inventory(self.invocation, word):
            return self._location(name, word)
        under = self.said[f"{name}_under"] or ""
        if kind == "inventory":
            found = self._s3(name, rest, under)
        else:
            found = (self._ledger if kind == "ledger" else self._ring)(rest, under)
        return replace(found, live=self._live(name), cut=len(under))

    def _location(self, name: str, word: str) -> Inventory:
        if self.said[f"{name}_under"] or self.said[f"live_{name}"]:
            raise UsageError(f"{printable(word)}: is a location itself; leave out --{name}-under")
        live = self._opened(name, word)
        epoch = Epoch(round(SystemClock().now() * 1000))
        able = live.store.able

        def told() -> Iterator[list[Told]]:
            for page in Listing(live.store, live.prefix, self.drive, scratch=self.scratch).pages():
                yield of_entries(self._kept(page, live.prefix), is_opaque=not able.etag_is_md5)

        return Inventory(told, epoch, len(live.prefix), live)

    def _s3(self, name: str, word: str, under: str) -> Inventory:
        from bucketline.flow.look.inventory import told_by

        place = inventory_place(self._parsed(name, word), self.hashes)
        manifest, read = told_by(place, self.drive, scratch=self.scratch)

        def told() -> Iterator[list[Told]]:
            for some in read():
                page = [Told(e, is_etag_opaque=o) for e, o in some if e.key.startswith(under)]
                yield chosen(page, self._kept([one.entry for one in page], under))

        return Inventory(told, Epoch(round(manifest.made * 1000)))

    def _ledger(self, word: str, under: str) -> Inventory:
        found = wanted(self.invocation, word, self.said)
        for why in found.unread:
            raise LedgerError(f"it may know of more; move it away, or name a RUN. {why}")

        def told() -> Iterator[list[Told]]:
            stream = (one for one in found.deliveries() if one.key.startswith(under))
            for page in pages(map(of_delivered, stream)):
                yield chosen(page, self._kept([one.entry for one in page], under))

        return Inventory(told, Epoch(round(SystemClock().now() * 1000)))

    def _ring(self, word: str, under: str) -> Inventory:
        from bucketline.cli.ring.phases import ring_of, site_with
        from bucketline.engines.ring.inventory import entries
        from bucketline.engines.ring.site import last

        ring, _, bucket = word.partition("/")
        if not bucket:
            raise UsageError(f"ring:{printable(word)}: names no bucket; say ring:NAME/BUCKET")
        named = ring_of(self.invocation, ring)
        folder = last(named)

        @contextmanager
        def opened() -> Iterator[Site]:
            """With an engine of its own: each answers one question at a time."""
            bounds = Bounds(self.said["memory"], self.said["threads"] or 0)
            with closing(Duck(bounds)) as duck:
                yield site_with(self.invocation, named, folder, duck)

        with opened() as site:
            epoch = Epoch(round(site.begun * 1000))

        def told() -> Iterator[list[Told]]:
            with opened() as site:
                stream = (one for one in entries(site, bucket) if one.key.startswith(under))
                for page in pages(Told(one) for one in stream):
                    yield chosen(page, self._kept([one.entry for one in page], under))

        return Inventory(told, epoch)

    def _live(self, name: str) -> Live | None:
        word = self.said[f"live_{name}"]
        return self._opened(name, word) if word else None

    def _opened(self, name: str, word: str) -> Live:
        location = self._parsed(name, word)
        check_source(location)
        side = open_place(resolved(location), self.hashes)
        return Live(side.store, as_folder(side.prefix))

    def _parsed(self, name: str, word: str) -> Any:
        return self.invocation.location(word, side_of(self.said, f"{name}_"), side_of(self.said))

    def _kept(self, page: list[Any], prefix: str) -> list[Any]:
        keep = self.filter.keeper(prefix)
        return page if keep is None else keep(page)
