"""What a restore is to do, after the command line and the configuration were heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bucketline.cli.attributes import attribute_words
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Metering, metering_of
from bucketline.cli.options import Said, rules_in_order, side_of
from bucketline.cli.sanity import is_same_bucket
from bucketline.cli.wiring import look_of
from bucketline.cli.wish import WORKERS, move_of
from bucketline.clock import SystemClock
from bucketline.config.values import Limits
from bucketline.engines.backup import Catalogue, Conflicts, RestorePolicy
from bucketline.engines.backup.brakes import rolled_back
from bucketline.errors import UsageError, printable
from bucketline.flow.compare.sides import Side
from bucketline.flow.drive import Drive
from bucketline.flow.look.filters import Filter
from bucketline.flow.move.pinned import held
from bucketline.flow.thaw import Wish
from bucketline.settings import Location, as_folder
from bucketline.stores import open_store
from bucketline.stores.wrap import Retrying
from bucketline.timetable import Timetable, parse_timetable

HIDE = "hide"


@dataclass(frozen=True)
class RestoreWish:
    """One restore."""

    backup: Location
    target: Location
    policy: RestorePolicy
    name: str
    words: dict[str, Any]
    at: float | None
    rate: int
    creates: bool
    metering: Metering
    key: str = ""  # Of the one object that is wanted, if it is no folder.

    @property
    def rates(self) -> Timetable | None:
        rate = self.words["bwlimit"]
        return parse_timetable(str(rate)) if rate else None

    @property
    def workers(self) -> int | None:
        workers = str(self.words["workers"])
        return None if workers == "auto" else int(workers)


def restore_wish(invocation: Invocation, said: Said) -> RestoreWish:
    """Flag before limits before default."""
    both, words = side_of(said), _words(said, invocation.config.limits)
    backup = invocation.location(said["backup"], side_of(said, "source_"), both)
    target = invocation.location(said["target"], side_of(said, "target_"), both)
    if backup.remote is None:
        raise UsageError(f"{printable(backup.text)}: is a folder; a backup is a bucket")
    key = "" if backup.prefix.endswith("/") else backup.prefix
    backup = replace(backup, prefix=as_folder(backup.prefix))
    return RestoreWish(
        *(backup, target, _policy(words, said), said["name"] or "", words),
        *(said["at"], said["rate"], said["create_bucket"]),
        metering_of(invocation, said, SystemClock()),
        key,
    )


def settled(wish: RestoreWish, drive: Drive) -> RestoreWish:
    """Whether what was named is an object of the backup, is known then; else it is a folder."""
    if not wish.key:
        return wish
    store = Retrying(open_store(wish.backup, clock=SystemClock()))
    catalogue = Catalogue.nearest(store, wish.backup.prefix, drive, at=wish.at)
    if not (any(catalogue.rows([wish.key])) or drive.call(held(store, wish.key))):
        return replace(wish, key="")
    look = wish.policy.look
    only = Filter(only=frozenset({""}), within=look.filter)
    look = replace(look, filter=only)
    return replace(wish, policy=replace(wish.policy, look=look))


def expect_elsewhere(wish: RestoreWish, drive: Drive) -> None:
    """Raise `UsageError` for a target that is a part of the backup: it would become one of it."""
    if wish.target.remote is None or not is_same_bucket(wish.backup, wish.target):
        return
    store = Retrying(open_store(wish.backup, clock=SystemClock()))
    catalogue = Catalogue.nearest(store, wish.backup.prefix, drive)
    if not catalogue.is_new and as_folder(wish.target.prefix).startswith(catalogue.prefix):
        raise UsageError(
            f"{printable(wish.target.text)}: lies in the backup itself, and what is restored there"
            " would be taken for backed up; restore to another place"
        )


def narrowed(wish: RestoreWish, backup: Side, target: Side) -> tuple[Side, Side]:
    """Both sides of the one object, where one is wanted."""
    if not wish.key:
        return backup, target
    there = as_folder(target.prefix) + wish.key.rpartition("/")[2]
    return replace(backup, prefix=wish.key, is_plain=True), replace(target, prefix=there)


def _words(said: Said, limits: Limits) -> dict[str, Any]:
    """Raises `UsageError` for those that do not go together."""
    if said["wait"] and not said["tier"]:
        raise UsageError("--wait waits for archives; say --tier, too")
    if said["versions"] and (said["at"] is not None or said["tier"] or said["compare"]):
        raise UsageError("--versions brings all back, in order; leave out --at, --tier, --compare")
    _check_in_place(said)
    names = (
        *("at", "versions", "include_deleted", "on_conflict", "tier", "days", "only"),
        *("in_place", "max_replaced", "max_hidden"),
    )
    return {
        **{name: said[name] for name in names},
        "compare": said["compare"] or ("etag" if said["in_place"] else "auto"),
        "filters": rules_in_order(said),
        "accept_proof": "etag",
        "attributes": attribute_words(said, {}),
        "workers": said["workers"] or limits.workers or WORKERS,
        "bwlimit": said["bwlimit"] or limits.bwlimit,
    }


def _policy(words: dict[str, Any], said: Said) -> RestorePolicy:
    in_place = words["in_place"]
    brakes = rolled_back(words["max_hidden"] or "", words["max_replaced"] or "")
    brakes.check()
    return RestorePolicy(
        look=look_of(words["compare"], words["filters"], words["only"]),
        move=move_of(words),
        conflicts=Conflicts.REPLACE if in_place else Conflicts(said["on_conflict"]),
        in_place=brakes if in_place else None,
        hides_extra=in_place == HIDE,
        includes_deleted=said["include_deleted"],
        thaw=Wish(said["tier"], said["days"]) if said["tier"] else None,
        is_then=said["at"] is not None,
        suffix=".restored",
    )


def _check_in_place(said: Said) -> None:
    if not said["in_place"]:
        if said["max_replaced"] or said["max_hidden"]:
            raise UsageError("--max-replaced and --max-hidden are of --in-place; say it, too")
        return
    if said["versions"] or said["include_deleted"] or said["on_conflict"] != "skip":
        raise UsageError(
            "--in-place writes over what differs; leave out --on-conflict, --versions and"
            " --include-deleted"
        )
    if said["compare"] in ("mtime", "auto"):
        raise UsageError("--in-place cannot go by times: what differs is newer; drop --compare")
