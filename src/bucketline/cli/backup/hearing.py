"""A backup that goes by events: what they name at once, and a listing of all from time to time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bucketline.cli.backup.backing import Backing
from bucketline.cli.backup.hinted import Hinted
from bucketline.cli.options import Said
from bucketline.cli.signals import listening
from bucketline.cli.syncing import exit_code
from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.sealing import Notes
from bucketline.errors import printable
from bucketline.flow.events import Feed, Message, Since, heard
from bucketline.flow.events.hints import Heard
from bucketline.flow.run.terms import Allowance, Ran
from bucketline.flow.run.watch import Watch, watch
from bucketline.model import Tally
from bucketline.settings import as_folder

RECONCILE_SECONDS = 86_400.0
_SLACK_SECONDS = 900.0  # By which the clocks of a service and of a backup may differ.
_WAIT_SECONDS = 5.0  # A wish to stop is heard at least so often.


class Hearing:
    """What the passes share."""

    def __init__(self, backing: Backing, feed: Feed, state: Path, said: Said) -> None:
        self._backing = backing
        self._feed = feed
        self._state = state
        self._since = Since.read(state)
        self._stays = bool(said["watch"])
        every = said["reconcile_every"]
        self._reconcile_every = RECONCILE_SECONDS if every is None else every
        self._said = said
        self._began = backing.clock.monotonic()
        self._size = 0  # Bytes that were moved.
        self._ran: list[Ran] = []

    def go(self, noted: Path) -> int:
        """Ends with a summary of each pass that did anything; raises what stopped it."""
        backing = self._backing
        with listening(backing.stop) as ears, closing(Notes(noted)) as notes:
            catalogue = backing.catalogue()
            if self._stays:
                watch(lambda: self._once(catalogue, notes), self._watch())
                return exit_code(self._ran[-1:], ears)
            self._once(catalogue, notes)
        return exit_code(self._ran, ears)

    def _once(self, catalogue: Catalogue, notes: Notes) -> Ran:
        """All that is due by now."""
        ran = Ran("complete", Tally())
        backing = self._backing
        if backing.clock.now() >= self._since.listed + self._reconcile_every:
            ran = self._listed(catalogue, notes)
        while not backing.stop.drain and ran.state != "interrupted":
            messages = self._feed.take(_WAIT_SECONDS if self._stays else 1.0)
            if messages or not self._ran:
                ran = self._hinted(messages, catalogue, notes)
            if not messages:
                break
        return ran

    def _listed(self, catalogue: Catalogue, notes: Notes) -> Ran:
        backing, began = self._backing, self._backing.clock.now()
        ran = backing.once(catalogue, notes, self._allowance())
        self._count(ran)
        if ran.state != "interrupted":
            is_all = not ran.tally.failed and not ran.tally.waiting
            covered = began - _SLACK_SECONDS if is_all else self._since.covered
            self._remember(Since(began, covered, live=backing.live))
        return ran

    def _hinted(self, messages: Sequence[Message], catalogue: Catalogue, notes: Notes) -> Ran:
        """Messages go when what they name is safe, or is nothing; the others come again."""
        told = [(one, heard(one.body, self._backing.wish.source.bucket)) for one in messages]
        self._tell_strange(sum(not one.is_ours for _, one in told))
        hinted = Hinted(self._keys(told), self._since, is_quiet=bool(self._ran))
        try:
            ran = self._backing.once(catalogue, notes, self._allowance(), hinted)
        finally:
            if hinted.since != self._since:
                self._remember(hinted.since)
        self._count(ran)
        if ran.state != "interrupted":
            self._feed.drop(
                [one for one, said in told if said.is_ours and not self._is_left(said, hinted)]
            )
        return ran

    def _keys(self, told: Sequence[tuple[Message, Heard]]) -> tuple[str, ...]:
        covered = self._since.covered
        hints = (hint for _, said in told for hint in said.hints)
        return tuple(sorted({one.key for one in hints if not one.time or one.time >= covered}))

    def _is_left(self, said: Heard, hinted: Hinted) -> bool:
        source, target = self._backing.source.prefix, self._backing.target.prefix
        start = len(as_folder(source))
        return any(f"{target}{hint.key[start:]}" in hinted.unsettled for hint in said.hints)

    def _tell_strange(self, count: int) -> None:
        if count:
            place = printable(self._backing.wish.source.text)
            self._backing.invocation.printer.notice(
                f"{count:,} messages are no events of {place}: left where they are; is it the right"
                " queue?"
            )

    def _count(self, ran: Ran) -> None:
        self._size += ran.tally.bytes_done
        self._ran = [*self._ran, ran] if not self._stays else [ran]

    def _remember(self, since: Since) -> None:
        since.write(self._state)
        self._since = since

    def _allowance(self) -> Allowance:
        gone = self._backing.clock.monotonic() - self._began
        return Allowance(self._said["max_duration"], self._said["max_bytes"]).after(
            gone, self._size
        )

    def _watch(self) -> Watch:
        backing, limit = self._backing, self._said["max_duration"]
        ends = None if limit is None else self._began + limit
        say = backing.invocation.printer.notice
        return Watch(backing.clock, backing.stop, say, every_seconds=0.0, ends=ends)
