"""The engine behind the processes: keys that others hand over become steps, and steps fates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue

from bucketline.clock import Clock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.engines.backup.marks import DELETED, DELETED_AT, marked, moment
from bucketline.errors import NotFound, Remedy, StoreError, Unholdable
from bucketline.flow.look.listing import Caller
from bucketline.flow.move.copy import copy
from bucketline.flow.move.layout import weight
from bucketline.flow.thaw import RATE, Beat, Paced, Wish, may_be_archived, readable
from bucketline.model import Action, Copy, Entry, Fate, Mark, Outcome, Skip
from bucketline.stores.base import Flow, Store, Together
from bucketline.stores.beyond import is_one_service, put_tags

BACKUP, RESTORE, TAG = "backup", "restore", "tag"
ERRORS = {  # What they were called.
    BACKUP: "BackupObjectsErrors",
    RESTORE: "RestoreObjectsErrors",
    TAG: "TagDeletedObjectsErrors",
}
_UNSEEN = "unseen"  # The reason of a copy of what could not be asked for.
_TAKEN_MAX = 64
_HEARTBEAT_SECONDS = 0.05
Inbox = SimpleQueue[str | None]  # None = no key will come any more.


class Work:
    """What is to become of each key."""

    def __init__(
        self, kind: str, config: Config, drive: Caller, clock: Clock, gone: Callable[[str], None]
    ) -> None:
        self.inbox: Inbox = SimpleQueue()
        self._kind = kind
        self._drive = drive
        self._clock = clock
        self._gone = gone  # Told of keys that need nothing, since nothing is there.
        self._source = Paced(config.store(config.src_bucket), Beat(RATE, clock))
        self._target = config.store(config.dst_bucket)
        policy = config.policy(is_restore=kind == RESTORE)
        is_within = is_one_service(self._source, self._target)
        self._policy = replace(policy, is_within=is_within)

    def plan(self) -> Iterator[Action | Skip]:
        """A step for each key, as they come; a heartbeat when none does, so that none is held."""
        is_over = False
        while not is_over:
            keys, is_over = self._taken()
            if not keys:
                yield Skip(0, 0)
                continue
            steps = self._drive.call(self._together(keys))
            for key, step in zip(keys, steps, strict=True):
                yield step or Skip(1, 0)
                if step is None:
                    self._gone(key)

    def perform(self, action: Action) -> Flow[Outcome]:
        """One copy, or one object tagged."""
        if isinstance(action, Mark):
            return tagged(self._target, action.key, self._clock.now())
        assert isinstance(action, Copy)
        return self._copied(action)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        if not isinstance(action, Copy):
            return 0
        if action.source.size <= self._policy.part_size:
            return action.source.size
        return weight(action.source, self._target.able, self._policy)

    @property
    def slow_downs(self) -> int:
        """How often a service asked for less."""
        stores = (self._source, self._target)
        return sum(getattr(store, "retried", {}).get("Busy", 0) for store in stores)

    def _taken(self) -> tuple[list[str], bool]:
        """The keys at hand, and whether these are the last."""
        keys: list[str] = []
        wait: float | None = _HEARTBEAT_SECONDS
        while len(keys) < _TAKEN_MAX:
            try:
                key = self.inbox.get(timeout=wait) if wait else self.inbox.get_nowait()
            except Empty:
                break
            if key is None:
                return keys, True
            keys.append(key)
            wait = None
        return keys, False

    def _together(self, keys: Sequence[str]) -> Flow[list[Action | None]]:
        look = self._tag if self._kind == TAG else self._copy
        steps: list[Action | None] = yield Together([look(key) for key in keys], _TAKEN_MAX)
        return steps

    def _tag(self, key: str) -> Flow[Action | None]:
        yield from ()
        return Mark(Entry(key, 0))

    def _copy(self, key: str) -> Flow[Action | None]:
        """None = it is gone by now."""
        try:
            source = yield from self._source.stat(key)
            there = yield from _entry_at(self._target, key)
        except NotFound:
            return None
        except StoreError as error:
            if error.remedy is Remedy.STOP:
                raise
            return Copy(Entry(key, 0), key, reason=_UNSEEN)  # Its copy tells why.
        return Copy(source.entry, key, replaces=there, reason="told")

    def _copied(self, action: Copy) -> Flow[Outcome]:
        if action.reason == _UNSEEN:  # It is not known how large it is.
            found = yield from self._source.stat(action.source.key)
            action = replace(action, source=found.entry)
        if self._kind == RESTORE and may_be_archived(action.source):
            yield from readable(self._source, action.source, Wish(), self._clock)
        return (yield from copy(action, self._source, self._target, self._policy))


def _entry_at(store: Store, key: str) -> Flow[Entry | None]:
    try:
        return (yield from store.stat(key)).entry
    except NotFound:
        return None


def tagged(store: Store, key: str, now: float) -> Flow[Outcome]:
    """Mark an object of the backup as deleted at its source; its other tags stay."""
    try:
        tags = yield from store.tags(key)
    except NotFound:
        return Outcome(Fate.SKIPPED, message="it is gone since it was listed")
    if {DELETED, DELETED_AT} <= tags.keys():
        return Outcome(Fate.SKIPPED)
    wanted = marked(tags, moment(now))
    if wanted is None:
        said = f"it has {len(tags)} tags, and two more do not fit; remove one or two"
        raise Unholdable(said, store=store.name, key=key)
    yield from put_tags(store, key, wanted)
    return Outcome(Fate.DONE)
