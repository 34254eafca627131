"""A run's log at `--log-location`: who keeps it, where, and what a person hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bucketline.cli.invocation import Invocation
from bucketline.cli.places import open_shelf
from bucketline.cli.wiring import identity
from bucketline.cli.wish import Wish
from bucketline.clock import SystemClock
from bucketline.errors import LedgerError, UsageError, printable
from bucketline.flow.ledger import Ledger
from bucketline.flow.report.log_file import Shelf
from bucketline.flow.report.log_keeper import Kept, LogKeeper
from bucketline.flow.run.terms import Stop
from bucketline.settings import Location


@dataclass(frozen=True)
class RunLog:
    """The log of one run; without a location there is none."""

    location: Location | None
    run: str
    stop: Stop
    found: Callable[[], int]

    @contextmanager
    def kept(
        self, invocation: Invocation, ledger: Ledger, *, skips_idle: bool = False
    ) -> Iterator[None]:
        """While the run goes on, and a moment longer. The ledger has begun the run."""
        if self.location is None:
            yield
            return
        keeper = LogKeeper(self._what(self.location, invocation, ledger), skips_idle=skips_idle)
        keeper.start()
        is_cut_off = False
        try:
            yield
        except KeyboardInterrupt:
            is_cut_off = True
            raise
        finally:
            was_draining = self.stop.drain
            keeper.finish(
                lambda: is_cut_off or self.stop.now or (self.stop.drain and not was_draining)
            )
            with suppress(LedgerError):  # It has been told, or the next run writes the log again.
                ledger.logs.settle(keeper.settled)

    def _what(self, location: Location, invocation: Invocation, ledger: Ledger) -> Kept:
        place = identity(location)
        owed = ledger.logs.owed(place)
        ledger.logs.owe(self.run, place)
        shelves: list[Shelf] = []

        def shelf() -> Shelf:
            if not shelves:
                shelves.append(open_shelf(location))
            return shelves[0]

        return Kept(
            place=printable(location.text),
            ledger=ledger.path,
            run=self.run,
            clock=SystemClock(),
            shelf=shelf,
            found=self.found,
            notice=invocation.printer.notice,
            masked=invocation.printer.masked,
            owed=owed,
        )


def check_log_place(wish: Wish) -> None:
    """Raise `UsageError` for a log that the run would copy or delete."""
    if wish.log is None:
        return
    shown = printable(wish.log.text)
    if _is_inside(wish.log, wish.source):
        raise UsageError(
            f"{shown}: is inside the source, and every run would copy the logs; choose another"
            " --log-location"
        )
    if wish.policy.delete_extra and _is_inside(wish.log, wish.target):
        raise UsageError(
            f"{shown}: is inside the target, and --delete would delete the logs; choose another"
            " --log-location"
        )


def _is_inside(log: Location, side: Location) -> bool:
    return _path(log).startswith(_path(side))


def _path(location: Location) -> str:
    words = identity(location)
    return words if words.endswith("/") else f"{words}/"
