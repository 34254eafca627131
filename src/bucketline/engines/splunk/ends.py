"""How buckets end: counted once each, told, and written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import FAILED, Record
from bucketline.engines.splunk.restoring import Restoring
from bucketline.engines.splunk.staging import NotYet
from bucketline.errors import BucketlineError, Remedy, StoreError, printable
from bucketline.model import Proof

Tell = Callable[[str, str, str, str], None]  # index, bucket, state, message
Begun = tuple[Planned, Record]
_ONLY_SIZE = "the archive tells no hash of it: two readings agree, and it decodes"


@dataclass(slots=True)
class Tally:
    """How it stands: listed = skipped + done + failed + waiting."""

    listed: int = 0
    skipped: int = 0
    done: int = 0
    failed: int = 0
    waiting: int = 0
    restarts: int = 0
    waves: int = 0
    events: int = 0
    bytes: int = 0


@dataclass(slots=True)
class Ends:
    """Of one run."""

    steps: Restoring
    tell: Tell
    tally: Tally = field(default_factory=Tally)
    _turn: Lock = field(default_factory=Lock)

    def end(self, one: Planned, state: str, message: str = "") -> None:
        with self._turn:  # Buckets are made by several at once.
            setattr(self.tally, state, getattr(self.tally, state) + 1)
            self.tell(one.bucket.index, one.bucket.name.text, state, printable(message))

    def done(self, one: Planned, record: Record) -> None:
        self.tally.events += record.events
        self.tally.bytes += record.bytes
        self.end(one, "done", _ONLY_SIZE if record.proof == Proof.SIZE.label else "")

    def failed(self, one: Planned, error: BucketlineError) -> None:
        """Nothing of it was begun, or nothing was left behind."""
        waits = isinstance(error, NotYet)
        waits = waits or (isinstance(error, StoreError) and error.remedy is Remedy.WAIT)
        self.end(one, "waiting" if waits else "failed", str(error))

    def guard(self, begun: Begun, step: Callable[[Planned, Record], None]) -> None:
        """A bucket that fails keeps its step: the next run goes on there."""
        one, record = begun
        if record.step == FAILED:
            return
        kept = record.step
        try:
            step(one, record)
        except BucketlineError as error:
            record.step = kept
            self.stopped(begun, error)

    def stopped(self, begun: Begun, error: BucketlineError) -> None:
        """For the rest of this wave; what is on disk says where it stood."""
        one, record = begun
        if isinstance(error, NotYet):
            self.end(one, "waiting", str(error))
        else:
            self.steps.note(record, record.step, str(error))
            self.end(one, "failed", str(error))
        record.step = FAILED
