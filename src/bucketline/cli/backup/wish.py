"""What a backup is to do, after the command line and the configuration were heard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from bucketline.cli.attributes import attribute_words
from bucketline.cli.hooks import Hooks
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Metering, metering_of
from bucketline.cli.options import Said, rules_in_order, side_of
from bucketline.cli.wiring import look_of
from bucketline.cli.wish import WORKERS, hooks_of, move_of
from bucketline.clock import SystemClock
from bucketline.config import Job
from bucketline.config.values import Limits
from bucketline.engines.backup import RESERVED, BackupPolicy, HistoryPolicy
from bucketline.engines.backup.brakes import Brakes, replaced, scrambled, vanished
from bucketline.errors import UsageError, printable
from bucketline.settings import Location, Side, as_folder
from bucketline.timetable import Timetable, parse_timetable

_HOUR = 3_600


@dataclass(frozen=True)
class BackupWish:
    """One backup."""

    source: Location
    target: Location
    policy: BackupPolicy
    name: str
    words: dict[str, Any]  # For the ledger: no secrets, no locations.
    log: Location | None = None
    hooks: Hooks = field(default_factory=Hooks)
    metering: Metering = field(default_factory=Metering)
    inventory: Location | None = None  # Tells the source's keys instead of its listing.

    @property
    def workers(self) -> int | None:
        workers = str(self.words["workers"])
        return None if workers == "auto" else int(workers)

    @property
    def rates(self) -> Timetable | None:
        rate = self.words["bwlimit"]
        return parse_timetable(str(rate)) if rate else None


def backup_wish(invocation: Invocation, said: Said) -> BackupWish:
    """Flag before job before limits before default."""
    job = _job(invocation, said)
    words = _words(said, job, invocation.config.limits)
    source, target = _places(invocation, said, job)
    log, told = said["logs"] or job.logs or invocation.config.logs, said["from_inventory"]
    both = side_of(said)
    return BackupWish(
        source=source,
        target=target,
        policy=_policy(words),
        name=said["name"] or "",
        words=words,
        hooks=hooks_of(job),
        metering=metering_of(invocation, said, SystemClock()),
        log=invocation.location(log, Side(), both) if log else None,
        inventory=told and invocation.location(told, side_of(said, "source_"), both),
    )


def _words(said: Said, job: Job, limits: Limits) -> dict[str, Any]:
    """Raises `UsageError` for those that do not go together."""
    if said["window"] is not None and said["compare"]:
        raise UsageError("--window is a rule of its own; leave out --compare, or --window")
    if said["versions"] and said["from_inventory"]:
        raise UsageError("--versions needs a listing; leave out --from-inventory, or --versions")
    if said["versions"] and (said["window"] is not None or said["compare"]):
        raise UsageError("--versions compares versions; leave out --window and --compare")
    alone = (said["watch"], said["reconcile_every"] is not None, said["events_secret"])
    if said["events"] is None and any(alone):
        raise UsageError(
            "--watch, --reconcile-every and --events-secret go with --events; say it, too"
        )
    if said["events"] is not None and said["from_inventory"]:
        raise UsageError("--events needs a listing; leave out --from-inventory")
    plain = ("only", "window", "mark", "versions", "from_inventory", "events", "new_source")
    return {
        **{name: said[name] for name in plain},
        "compare": said["compare"] or job.compare or "auto",
        "filters": rules_in_order(said) or list(job.filters),
        "accept_proof": "etag",
        "attributes": attribute_words(said, job.attributes),
        "workers": said["workers"] or job.workers or limits.workers or WORKERS,
        "bwlimit": said["bwlimit"] or job.bwlimit or limits.bwlimit,
        "max_vanished": said["max_vanished"] or "",
        "max_replaced": said["max_replaced"] or "",
        "max_scrambled": said["max_scrambled"] or "",
    }


def _places(invocation: Invocation, said: Said, job: Job) -> tuple[Location, Location]:
    both = side_of(said)
    source = invocation.location(job.source, side_of(said, "source_"), both)
    target = invocation.location(job.target, side_of(said, "target_"), both)
    if target.remote is None:
        raise UsageError(
            f"{printable(target.text)}: is a folder, which keeps no tags; name a bucket"
        )
    if f"/{RESERVED}" in f"/{as_folder(target.prefix)}":
        place = printable(target.text)
        raise UsageError(f"{place}: is where a backup has its catalogue; name another place")
    if source.remote is None and (said["from_inventory"] or said["events"]):
        option = "--from-inventory" if said["from_inventory"] else "--events"
        place = printable(source.text)
        raise UsageError(f"{place}: is a folder; {option} needs the bucket that it tells of")
    if said["versions"]:
        source = replace(source, prefix=as_folder(source.prefix))
    return source, replace(target, prefix=as_folder(target.prefix))


def _policy(words: dict[str, Any]) -> BackupPolicy:
    brakes = Brakes(
        vanished(words["max_vanished"]),
        replaced(words["max_replaced"]),
        scrambled(words["max_scrambled"]),
    )
    brakes.check()
    window = words["window"]
    return BackupPolicy(
        look=look_of(words["compare"], words["filters"], words["only"]),
        brakes=brakes,
        move=move_of(words),
        window_seconds=None if window is None else window * _HOUR,
        marks_vanished=bool(words["mark"]),
    )


def history_policy(policy: BackupPolicy) -> HistoryPolicy:
    """The same for a backup of versions."""
    return HistoryPolicy(policy.look, policy.brakes, policy.move, named=policy.named)


def _job(invocation: Invocation, said: Said) -> Job:
    """The file's job of this name; the places of the command line go before its own."""
    source, target, name = said["source"], said["target"], said["name"] or ""
    jobs = invocation.config.jobs
    if source is not None and target is not None:
        return replace(jobs.get(name) or Job(source, target), source=source, target=target)
    if source is not None:
        raise UsageError("TARGET is missing; say both (see bucketline backup --help)")
    if name not in jobs:
        what = f"no job {name!r} in {invocation.config_path}" if name else "SOURCE is missing"
        raise UsageError(f"{what}; say SOURCE and TARGET, or --name a job of the configuration")
    return jobs[name]
