"""Objects in the middle: how a run remembers them, and removes those that nobody goes on with."""

from __future__ import annotations

from dataclasses import replace

from bucketline.cli.printer import Printer
from bucketline.engines.transfer import TransferPolicy
from bucketline.flow.drive import Drive
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.leftovers import clear_uploads
from bucketline.flow.run.terms import Stop
from bucketline.stores.base import Store


def going_on(
    policy: TransferPolicy, hints: LedgerHints, stop: Stop, *, is_within: bool
) -> TransferPolicy:
    """The same, for a run whose uploads the next one can go on with."""
    move = replace(policy.move, hints=hints, wish=stop, is_within=is_within)
    return replace(policy, move=move)


def clear_left(hints: LedgerHints, target: Store, drive: Drive, printer: Printer) -> None:
    """What earlier runs left in the making, and this one, which planned all, had no use for."""
    left = hints.left
    stuck = drive.call(clear_uploads(left, target, hints)) if left else []
    if stuck:
        printer.notice(
            f"{target.name}: {len(stuck)} unfinished uploads of earlier runs could not be removed;"
            " the next run will try again"
        )
