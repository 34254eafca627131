"""What a sync is to do, after the command line, the configuration and the defaults were heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bucketline.cli.attributes import attribute_words, fidelity_of
from bucketline.cli.hooks import Hooks
from bucketline.cli.invocation import Invocation
from bucketline.cli.metering import Metering, metering_of
from bucketline.cli.options import Said, rules_in_order, side_of
from bucketline.cli.packing import check_wish
from bucketline.cli.wiring import look_of
from bucketline.clock import SystemClock
from bucketline.config import Job
from bucketline.engines.transfer import TransferPolicy
from bucketline.errors import UsageError, printable
from bucketline.flow.compare.guard import Limits
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.query.base import MASTER
from bucketline.model import Proof
from bucketline.settings import Location, Side
from bucketline.timetable import Timetable, parse_timetable

WORKERS = "auto"
EVERY_SECONDS = 60
MAX_DELETE = "1000"


@dataclass(frozen=True)
class Wish:
    """One sync."""

    source: Location
    target: Location
    policy: TransferPolicy
    name: str
    words: dict[str, Any]  # The same for the ledger: no secrets, no locations.
    log: Location | None = None  # Where the run's log goes.
    hooks: Hooks = field(default_factory=Hooks)
    metering: Metering = field(default_factory=Metering)
    inventory: Location | None = None  # What tells the source's entries, instead of its listing.

    @property
    def workers(self) -> int | None:
        """How many objects at once; None = as many as prove to be of use."""
        workers = str(self.words["workers"])
        return None if workers == "auto" else int(workers)

    @property
    def processes(self) -> int | None:
        """This one included; None = more when a core is full."""
        return None if self.words["processes"] == "auto" else int(self.words["processes"])

    @property
    def master(self) -> str:
        """Of the Spark cluster that performs; "" = this machine does."""
        return str(self.words["master"] or "")

    @property
    def rates(self) -> Timetable | None:
        """Bytes per second; None = as fast as it goes."""
        rate = self.words["bwlimit"]
        return parse_timetable(str(rate)) if rate else None

    @property
    def max_duration(self) -> int | None:
        """Seconds."""
        return self._number("max_duration")

    @property
    def max_bytes(self) -> int | None:
        return self._number("max_bytes")

    @property
    def every_seconds(self) -> int:
        """Between two looks of one that watches."""
        return self._number("every") or EVERY_SECONDS

    def _number(self, name: str) -> int | None:
        value = self.words[name]
        return None if value is None else int(value)

    @property
    def packs(self) -> bool:
        """Whether small objects go in archives."""
        return bool(self.words["batch_tar"])

    @property
    def watches(self) -> bool:
        return bool(self.words["watch"])


def wish_of(invocation: Invocation, said: Said) -> Wish:
    """Flag before job before limits before default."""
    if said["every"] is not None and not said["watch"]:
        raise UsageError("--every goes with --watch; say both or neither")
    job = _job(invocation, said)
    word = _speaker(said, job, invocation.config.limits)
    words = _words(word, said, job)
    both, told = side_of(said), said["from_inventory"]
    log = word("logs", invocation.config.logs)
    wish = Wish(
        source=invocation.location(job.source, side_of(said, "source_"), both),
        target=invocation.location(job.target, side_of(said, "target_"), both),
        policy=_policy(words),
        name=said["name"] or "",
        words=words,
        hooks=hooks_of(job),
        metering=metering_of(invocation, said, SystemClock()),
        log=invocation.location(log, Side(), both) if log else None,
        inventory=told and invocation.location(told, side_of(said, "source_"), both),
    )
    if wish.inventory is not None:
        _check_inventory(wish)
    if wish.packs:
        check_wish(wish)
    if wish.policy.metadata_only and wish.policy.delete_extra:
        raise UsageError("--metadata-only deletes nothing; leave out --delete, or sync without it")
    return wish


def hooks_of(job: Job) -> Hooks:
    """Whom the job tells; those that were not said are left out."""
    return Hooks({state: hook for state, hook in (job.hooks or {}).items() if hook})


def _check_inventory(wish: Wish) -> None:
    """Raise `UsageError` for what an inventory must not, or cannot, be used for."""
    if wish.policy.delete_extra:
        raise UsageError(
            "--delete needs a listing: an inventory is old, and what came since would be missing"
            " in it; leave out --delete or --from-inventory"
        )
    if wish.source.remote is None:
        place = printable(wish.source.text)
        raise UsageError(f"{place}: is a folder; --from-inventory needs the bucket that it tells")
    if wish.watches:
        raise UsageError("--watch looks again and again, and an inventory stays as it is")


def _speaker(said: Said, *others: object) -> Callable[[str, Any], Any]:
    def word(name: str, default: Any) -> Any:
        values = (said[name], *(getattr(other, name, None) for other in others))
        return next((value for value in values if value is not None), default)

    return word


def _words(word: Callable[[str, Any], Any], said: Said, job: Job) -> dict[str, Any]:
    return {
        "delete": word("delete", None) or False,
        "max_delete": word("max_delete", MAX_DELETE),
        "compare": word("compare", "auto"),
        "filters": rules_in_order(said) or list(job.filters),
        "only": said["only"],
        "from_inventory": said["from_inventory"],
        "accept_proof": word("accept_proof", "etag"),
        "workers": word("workers", WORKERS),
        "processes": said["processes"] or "auto",
        "master": _master(said),
        "bwlimit": word("bwlimit", None),
        "max_duration": said["max_duration"],
        "max_bytes": said["max_bytes"],
        "watch": said["watch"],
        "every": said["every"],
        "metadata_only": said["metadata_only"],
        "batch_tar": said["batch_tar"],
        "attributes": attribute_words(said, job.attributes),
    }


def _master(said: Said) -> str | None:
    is_spark = said["engine"] == "spark"
    if said["master"] and not is_spark:
        raise UsageError("--master goes with --engine spark; say both or neither")
    if is_spark and said["processes"]:
        raise UsageError("--processes is for this machine; leave it out with --engine spark")
    return (said["master"] or MASTER) if is_spark else None


def _policy(words: dict[str, Any]) -> TransferPolicy:
    return TransferPolicy(
        look=look_of(words["compare"], words["filters"], words["only"]),
        delete_extra=words["delete"],
        metadata_only=bool(words["metadata_only"]),
        limits=Limits.of(words["max_delete"]),
        move=move_of(words),
    )


def move_of(words: Mapping[str, Any]) -> MovePolicy:
    """How objects are moved: all that a saved plan keeps of it."""
    return MovePolicy(
        accept=Proof[words["accept_proof"].upper()],
        fidelity=fidelity_of(words["attributes"], SystemClock().now()),
    )


def _job(invocation: Invocation, said: Said) -> Job:
    """The file's job of this name; the places of the command line go before its own."""
    jobs, name = invocation.config.jobs, said["name"] or ""
    source, target = said["source"], said["target"]
    if source is not None and target is not None:
        return (
            replace(jobs[name], source=source, target=target)
            if name in jobs
            else Job(source, target)
        )
    if source is not None:
        raise UsageError("TARGET is missing; say both (see bucketline sync --help)")
    if name in jobs:
        return jobs[name]
    if name:
        there = f"; there are {', '.join(jobs)}" if jobs else ""
        raise UsageError(
            f"no job {name!r} in {invocation.config_path}{there}; say SOURCE and TARGET"
        )
    raise UsageError("SOURCE and TARGET are missing; say both (see bucketline sync --help)")
