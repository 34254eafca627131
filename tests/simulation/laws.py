"""What must hold at every effect of every run, whatever the weather."""

from __future__ import annotations

from typing import Any

from bucketline.flow.run.terms import Ran
from bucketline.model import Action, Copy, Delete, Fate, Outcome, Proof, Skip, Tally
from simulation.book import Book
from simulation.notes import Notes
from simulation.place import Deed, Place

_COPYING = frozenset({"write", "begin", "part", "finish", "abandon"})


class Violation(AssertionError):
    """A law of the product was broken."""


class Laws:
    """Watches one world. Asked before and after each deed, at each commit and at each end."""

    def __init__(self, source: Place, target: Place, book: Book, notes: Notes) -> None:
        self._source, self._target, self._book, self._notes = source, target, book, notes
        # Where a comparison by reading fails, or a listing's lie is found out too late.
        self.may_send_again = False
        book.checks.append(self._check_fate)
        book.intent_checks.append(self._check_not_proven)
        self.begin(is_fair=False)

    def begin(self, *, is_fair: bool) -> None:
        """A new process; in fair weather nothing befalls it but its end."""
        self._is_fair = is_fair
        self.is_disturbed = False  # Somebody else changed the source in this run.
        self._listed: set[str] = set()  # Places whose listing came to its end.
        self._planned: list[Action] = []
        # Parts that are there: (upload, number) -> bytes.
        self._held = {
            (name, number): body
            for name, upload in self._target.uploads.items()
            for number, (_, body) in upload.parts.items()
        }
        self._source_at_start = set(self._source.things)

    def planned(self, step: Action | Skip) -> None:
        if not isinstance(step, Skip):
            self._planned.append(step)

    def before(self, deed: Deed) -> None:
        """The deed is about to happen at the server."""
        if not deed.is_effectful:
            return
        _must(deed.place is self._target, f"{deed.verb} at the source: {deed.key!r}")
        if deed.verb == "abandon":
            upload = self._target.uploads.get(deed.arguments[0])
            _must(upload is None or not upload.is_strange, "a stranger's upload is abandoned")
            return
        if deed.verb == "part":
            self._check_not_held(deed)
        intent = self._book.open.get(deed.key)
        _must(intent is not None, f"{deed.verb} {deed.key!r} without a committed intent")
        if deed.verb == "delete":
            _must(isinstance(intent, Delete), f"delete of {deed.key!r}, which was to be copied")
            self._check_delete(deed.key)
        else:
            _must(isinstance(intent, Copy), f"{deed.verb} of {deed.key!r}, which was to go")

    def after(self, deed: Deed, value: Any, *, is_answer_lost: bool) -> None:
        """The deed happened."""
        if deed.verb == "page" and not is_answer_lost and not value.token:
            self._listed.add(deed.place.name)

    def after_run(self, ran: Ran | None, tally: Tally) -> None:
        """A process came to its own end; `ran` is None when it raised."""
        book = self._book
        _must(not book.open, f"intents without a fate: {sorted(book.open)}")
        _must(tally.under_way == 0, f"{tally.under_way} still under way at the end")
        counted = (tally.done, tally.failed, tally.waiting)
        written = tuple(book.count(fate) for fate in (Fate.DONE, Fate.FAILED, Fate.WAITING))
        _must(counted == written, f"counters {counted}, but the ledger has {written}")
        _must(tally.skipped == book.skipped + book.count(Fate.SKIPPED), "skipped miscounted")
        self._check_uploads()
        state = book.state
        if ran is None:
            _must(state == "failed", f"the run raised, but its state is {state}")
            return
        _must(ran.state == state, f"said {ran.state}, wrote {state}")
        _must(len(self._planned) == sum(counted), "planned and ended do not add up")
        seen = {action.source.key for action in self._planned if isinstance(action, Copy)}
        if not self.is_disturbed:
            skipped = len(self._source_at_start) - len(seen)
            _must(tally.skipped == skipped, f"{tally.skipped} skipped, not {skipped}")
        truth = "failed" if tally.failed else "waiting" if tally.waiting else "complete"
        _must(state == truth, f"the state is {state}, but it is {truth}")

    def after_complete(self, *, delete_extra: bool) -> None:
        """A run said that all is done, and nobody disturbed it: then it is."""
        source, target = self._source.bodies(), self._target.bodies()
        for key, body in source.items():
            _must(key in target, f"lost: {key!r} is not at the target")
            _must(target[key] == body, f"wrong: {key!r} has other bytes at the target")
        extra = target.keys() - source.keys()
        _must(not (delete_extra and extra), f"still at the target: {sorted(extra)}")

    def after_all(self) -> None:
        """Calm: nothing is done any more, and nothing is in the making."""
        _must(not self._notes.uploads, f"still remembered: {sorted(self._notes.uploads)}")
        self._check_uploads()

    def _check_uploads(self) -> None:
        """What is in the making is a stranger's, or will be found by the next run."""
        for name, upload in self._target.uploads.items():
            is_found = upload.is_strange or self._notes.has(upload.key, name)
            _must(is_found or not self._target.habits.lists_uploads, f"{name} is left behind")

    def _check_not_held(self, deed: Deed) -> None:
        """A part that arrived is not sent again, be the note of it lost or not."""
        body, upload, number, *_ = deed.arguments
        able = self._target.habits
        if self._is_fair and able.lists_parts:
            _must(self._held.get((upload, number)) != body, f"part {number} is sent again")

    def _check_fate(self, action: Action, outcome: Outcome) -> None:
        """A fate is about to be committed."""
        _must(
            action.key in self._book.open or outcome.fate is not Fate.DONE,
            f"{action.key!r} is done without an intent",
        )
        if outcome.fate is not Fate.DONE:
            return
        held = self._target.things.get(action.key)
        if isinstance(action, Delete):
            _must(held is None, f"false DONE: {action.key!r} is still there")
            return
        assert isinstance(action, Copy)
        body = self._source.history.get((action.source.key, outcome.source_etag))
        if body is None:
            raise Violation(f"false DONE: the source never had {action.key!r} like that")
        if held is None:
            raise Violation(f"false DONE: {action.key!r} is not at the target")
        _must(held.body == body, f"false DONE: {action.key!r} arrived as other bytes")
        _must(outcome.proof.value >= Proof.ETAG.value, f"{action.key!r} was not proven")
        _must(outcome.size == len(body), f"{action.key!r} has {len(body)} bytes, not as said")
        _must(outcome.target_etag == held.etag, f"{action.key!r}: not its etag at the target")

    def _check_delete(self, key: str) -> None:
        sides = {self._source.name, self._target.name}
        _must(self._listed == sides, f"{key!r} deleted before both listings had ended")
        _must(key not in self._source_at_start, f"{key!r} deleted, but the source has it")
        done = {action.key for action, outcome in self._book.lines if outcome.fate is Fate.DONE}
        copies = {action.key for action in self._planned if isinstance(action, Copy)}
        _must(copies <= done, f"{key!r} deleted, but not copied: {sorted(copies - done)}")

    def _check_not_proven(self, action: Action) -> None:
        """What was proven, and has not changed since on either side, is not sent again."""
        proven, held = self._book.proven(action.key), self._target.things.get(action.key)
        if self.may_send_again or not isinstance(action, Copy) or proven is None or held is None:
            return
        now = (action.source.etag, held.etag)
        is_as_proven = (proven.source_etag, proven.target_etag) == now
        _must(not is_as_proven, f"{action.key!r} was proven and is sent again")


def _must(claim: object, breach: str) -> None:
    if not claim:
        raise Violation(breach)
