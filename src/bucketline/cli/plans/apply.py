"""`bucketline plan apply`: do exactly what a plan file says, or refuse."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from bucketline.cli.endpoints import Endpoints
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Said, limiting, two_places
from bucketline.cli.passing import Around, Pass
from bucketline.cli.places import hash_memory, open_for_moves, open_sides
from bucketline.cli.planned import print_rest
from bucketline.cli.plans.heads import Places, places_of
from bucketline.cli.sanity import check_source
from bucketline.cli.signals import Ears, listening
from bucketline.cli.syncing import exit_code
from bucketline.cli.wiring import pace_of
from bucketline.cli.wish import move_of
from bucketline.clock import SystemClock
from bucketline.engines.apply import Apply, ApplyPolicy
from bucketline.errors import Refused, UsageError
from bucketline.flow.drive import Drive, open_drive
from bucketline.flow.ledger import Ledger, RunHead, job_path, new_run_id
from bucketline.flow.ledger.applied import applied_at
from bucketline.flow.ledger.hashes import Hashes
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.plans import SavedPlan
from bucketline.flow.run.terms import Allowance, Ran, Stop
from bucketline.timetable import parse_timetable

_STALE = Refused.exit_code


@click.command
@click.argument("file")
@click.option("--skip-stale", is_flag=True, help="Do what still fits, when something moved.")
@limiting
@click.option("-n", "--dry-run", is_flag=True, help="Look whether all of it still fits; no more.")
@two_places
@common
@pass_invocation
def apply(invocation: Invocation, /, file: str, *, dry_run: bool, **said: Any) -> int:
    """Each action only while both sides are as the plan says; unless told else, all or none.

    Exit code 7: the world moved, or the plan is damaged.
    """
    saved = SavedPlan.open(Path(file))
    if saved.totals.refusal:
        raise Refused(f"{file}: was refused when it was saved: {saved.totals.refusal}")
    if saved.head.rest_of and saved.totals.deletes:
        invocation.printer.notice(
            f"{file}: is a rest, with deletes; all that the job of S3 was to copy for plan"
            f" {saved.head.rest_of[:12]} should have succeeded by now"
        )
    where = places_of(invocation, saved, said)
    check_source(where.source)
    head = saved.head
    identities = (head.source["identity"], head.target["identity"])
    path = job_path(invocation.state_folder, "sync", *identities, head.name)
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        if dry_run:
            source, target = open_sides(*where, hashes)
            stores = (source.store, target.store)
            known = partial(applied_at, path, saved.sha256)
            engine = Apply(saved, stores, _policy(saved, said), drive, known)
            print_rest(invocation, engine)
            return 0
        with Ledger.open(path) as ledger:
            return _Applying(invocation, saved, said).go(where, drive, ledger, hashes)


class _Applying:
    """One run of a plan, in the ledger of the sync that it is the plan of."""

    def __init__(self, invocation: Invocation, saved: SavedPlan, said: Said) -> None:
        self.invocation = invocation
        self.saved = saved
        self.said = said
        self.clock = SystemClock()
        self.stop = Stop()

    def go(self, where: Places, drive: Drive, ledger: Ledger, hashes: Hashes) -> int:
        rate, workers = self.said["bwlimit"], self.said["workers"] or "auto"
        sides = open_for_moves(*where, hashes, parse_timetable(rate) if rate else None)
        stores = (sides[0].store, sides[1].store)
        known = partial(ledger.applied, self.saved.sha256)
        policy = _policy(self.saved, self.said)
        hints = LedgerHints(ledger.uploads, self.clock)
        move = replace(policy.move, hints=hints, wish=self.stop)
        engine = Apply(self.saved, stores, replace(policy, move=move), drive, known)
        pace = pace_of(None if workers == "auto" else int(workers), *stores)
        ends = Endpoints.of(
            self.invocation, self.clock, self.stop, source=stores[0], target=stores[1]
        )
        around = Around(self.invocation, drive, ledger, self.clock, self.stop, pace, ends)
        limits = Allowance(self.said["max_duration"], self.said["max_bytes"])
        with listening(self.stop) as ears:
            ran = Pass(around, engine, self._head(), limits).go()
        ends.remember()
        engine.check()
        return _exit_code(ran, ears, engine.refused)

    def _head(self) -> RunHead:
        head = self.saved.head
        words = {name: self.said[name] for name in ("workers", "bwlimit", "skip_stale")}
        sides = {name: getattr(head, name)["place"] for name in ("source", "target")}
        told = {**head.policy, **words, "plan": self.saved.sha256, "places": sides}
        return RunHead(
            new_run_id(self.clock.now()),
            "plan apply",
            head.source["identity"],
            head.target["identity"],
            name=head.name,
            configuration=told,
        )


def _policy(saved: SavedPlan, said: Said) -> ApplyPolicy:
    try:
        move = move_of(saved.head.policy)
    except (KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{saved.path}: does not say its policy as this version does; save it anew"
        ) from None
    return ApplyPolicy(move, skip_stale=said["skip_stale"])


def _exit_code(ran: Ran, ears: Ears, stale: int) -> int:
    """That something was stale counts where nothing worse happened."""
    if stale and ran.state != "interrupted" and ran.tally.failed <= stale:
        return _STALE
    return exit_code([ran], ears)
