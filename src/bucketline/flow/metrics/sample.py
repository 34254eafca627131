"""What is measured of a run, and what it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bucketline.model import Tally, nothing

RUNNING = "running"


class Datum(NamedTuple):
    """One number under its name."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Sample:
    """How a run stands at one moment."""

    command: str
    state: str = RUNNING  # Or how it ended: complete, failed, waiting, interrupted.
    tally: Tally = field(default_factory=Tally)
    buckets: Mapping[str, int] = field(default_factory=dict)  # How many objects each holds.
    found: int = 0  # How many objects are known to take part.
    slow_downs: int = 0  # How often a service asked for less.
    seconds: float = 0.0  # Since it began.
    more: Mapping[str, int] = field(default_factory=dict)  # By names of the engine's own.
    labels: Mapping[str, str] = field(default_factory=nothing)

    @property
    def handled(self) -> int:
        return self.tally.listed - self.tally.under_way

    @property
    def to_look_at(self) -> int:
        """Found, and nobody has decided yet."""
        return max(0, self.found - self.handled)

    @property
    def left(self) -> int:
        """Found, and neither done nor in need of nothing: also what failed and what waits."""
        return max(0, self.found - self.tally.done - self.tally.skipped)

    @property
    def errors(self) -> int:
        """Objects that failed; a run that an error ended before any did is one, too."""
        return self.tally.failed or int(self.state == "failed")


# Of each command: what is left of its work, and what of it failed, as the old module called them.
_NAMES = {
    "restore": ("ObjectsToRestore", "RestoreObjectsErrors"),
    "thaw": ("ObjectsToThaw", "ThawObjectsErrors"),
    "verify": ("ObjectsToVerify", "VerifyObjectsErrors"),
    "relay fetch": ("ObjectsToFetch", "FetchObjectsErrors"),
    "relay forward": ("ObjectsToForward", "ForwardObjectsErrors"),
    "relay clear": ("ObjectsToClear", "ClearObjectsErrors"),
    "check": ("ObjectsToCompare", "CompareObjectsErrors"),
}
_COPIES = ("ObjectsToBackup", "BackupObjectsErrors")
_ERRORS = "Errors"  # How the names of what happened, and is no level, end.


def old_names(sample: Sample, before: Sample | None = None) -> Iterator[Datum]:
    """Under the names that the old module used.

    What is left is a level, and falls to 0. What happened (SlowDown, errors) is told as what has
    come since `before`, so that sums over time are right.
    """
    left, errors = _NAMES.get(sample.command, _COPIES)
    for bucket, count in sample.buckets.items():
        yield Datum(f"ObjectsIn{bucket}", count)
    yield Datum("ObjectsToCompare", sample.to_look_at)
    if left != "ObjectsToCompare":
        yield Datum(left, sample.left)
    since = before or Sample(sample.command)
    for name, value in sample.more.items():
        yield Datum(name, value - (since.more.get(name, 0) if name.endswith(_ERRORS) else 0))
    yield Datum("SlowDown", sample.slow_downs - since.slow_downs)
    yield Datum(errors, sample.errors - since.errors)
