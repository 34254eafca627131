"""Prove again what was delivered: least recently verified first, or a sample at random."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from heapq import heappush, heappushpop

from bucketline.errors import BucketDenied
from bucketline.flow.compare.guard import Counts
from bucketline.flow.look.listing import Caller
from bucketline.flow.look.sorting import Sorter
from bucketline.flow.proof.again import Method, Seen, State, look_again, weight
from bucketline.flow.report.delivered import Delivered, Verified
from bucketline.model import Action, Entry, Fate, Outcome, Skip, Verify
from bucketline.stores.base import Flow, Store

_SKIP_EVERY = 10_000  # Objects that are counted before they are told.
_DICE = 1 << 64
_CAUSES = {State.DAMAGED: "Damaged", State.MISSING: "Missing", State.REPLACED: "Replaced"}
FINDINGS = frozenset({"Damaged", "Missing"})


@dataclass(frozen=True, slots=True)
class Sample:
    """Which objects: of all, a share, or so many; the same seed draws the same ones."""

    seed: str = ""
    share: float = 1.0
    count: int | None = None

    @property
    def is_all(self) -> bool:
        return self.count is None and self.share >= 1


@dataclass(frozen=True, slots=True)
class Round:
    """What has been verified since: a verification that was cut short goes on where it was."""

    first_run: int  # Of our own ledger; what it or a later one has verified is not read again.


Deliveries = Callable[[], Iterator[Delivered]]  # In key order, as often as it is asked.


class Verification:
    """One look at what was delivered to a place."""

    def __init__(
        self,
        store: Store,
        deliveries: Deliveries,
        verified: Callable[[], Iterator[Verified]],
        drive: Caller,
        *,
        method: Method = Method.READ,
        sample: Sample = Sample(),
        since: Round,
    ) -> None:
        self.store = store
        self._deliveries = deliveries
        self._verified = verified
        self._drive = drive
        self._method = method
        self._sample = sample
        self._since = since
        self.found = 0  # How many objects are known to have been delivered there, so far.
        self.before = 0  # Of these, verified already in this round.

    @property
    def counts(self) -> Counts:
        """How many take part."""
        return Counts(self.found)

    def plan(self) -> Iterator[Action | Skip]:
        """What is left of this round: never verified first, then what was longest ago."""
        self._knock()
        chosen = choice(self._sample, lambda: (one.key for one in self._deliveries()))
        later = Sorter()
        try:
            yield from _counted(self._first(chosen, later))
            for block in later.blocks():
                yield from map(_unpacked, block)
        finally:
            later.close()

    def perform(self, action: Action) -> Flow[Outcome]:
        """Look at one object again."""
        assert isinstance(action, Verify)
        seen = yield from look_again(action, self.store, self._method)
        return _outcome(action, seen)

    def weight(self, action: Action) -> int:
        """How many bytes of bodies the step holds in memory at once, at most."""
        assert isinstance(action, Verify)
        return weight(action)

    def _knock(self) -> None:
        """A place that is not there at all is no place where every object is missing."""
        try:
            self._drive.call(self.store.page())
        except BucketDenied:
            return  # To list is more than we need.

    def _first(self, chosen: Callable[[str], bool], later: Sorter) -> Iterator[Verify | Delivered]:
        """Those whose turn it is; others come back as they are, to be counted, or go to `later`."""
        for one, last in _beside(self._deliveries(), self._verified()):
            self.found += 1
            if not chosen(one.key):
                yield one
            elif last is None:
                yield one.to_verify()
            elif last.run >= self._since.first_run:
                self.before += 1
                yield one
            else:
                later.extend([_packed(one, last)])


def _beside(
    deliveries: Iterator[Delivered], verified: Iterator[Verified]
) -> Iterator[tuple[Delivered, Verified | None]]:
    """Each with when it was verified last; None = it never was."""
    last = next(verified, None)
    for one in deliveries:
        while last is not None and last.key < one.key:
            last = next(verified, None)
        is_it = last is not None and last.key == one.key and last.time >= one.time
        yield one, last if is_it else None


def choice(sample: Sample, keys: Callable[[], Iterable[str]]) -> Callable[[str], bool]:
    """Whether a key is drawn. Told by the key and the seed alone: nothing need be remembered."""
    if sample.is_all:
        return lambda _: True
    if sample.count is None:
        return lambda key: drawn(sample, key)
    lowest: list[int] = []  # Negated: a heap shows its smallest.
    for key in keys():
        number = -_dice(sample.seed, key)
        if len(lowest) < sample.count:
            heappush(lowest, number)
        else:
            heappushpop(lowest, number)
    most = -lowest[0] if lowest else -1
    return lambda key: _dice(sample.seed, key) <= most


def drawn(sample: Sample, key: str) -> bool:
    """Whether a share of all takes this one."""
    return _dice(sample.seed, key) < sample.share * _DICE


def _dice(seed: str, key: str) -> int:
    return int.from_bytes(sha256(f"{seed}\0{key}".encode()).digest()[:8])


def _counted(steps: Iterable[Verify | Delivered]) -> Iterator[Action | Skip]:
    """What is not looked at is told as a number now and then."""
    count = size = 0
    for step in steps:
        if isinstance(step, Verify):
            yield step
            continue
        count, size = count + 1, size + step.size
        if count == _SKIP_EVERY:
            yield Skip(count, size)
            count = size = 0
    if count:
        yield Skip(count, size)


def _packed(one: Delivered, last: Verified) -> Entry:
    """As an entry, for a sorter: by the run that verified it last, then by key."""
    words = " ".join([repr(last.time), *(f"{name}={is_}" for name, is_ in one.hashes.items())])
    key = f"{last.run:012d}{one.key}"
    return Entry(key, one.size, one.time, one.target_etag, one.version, words, one.run)


def _unpacked(entry: Entry) -> Verify:
    last, *words = entry.tier.split()
    hashes = dict(word.split("=", 1) for word in words)
    target = Entry(entry.key[12:], entry.size, entry.modified, entry.etag, entry.version)
    return Verify(target, hashes, entry.stamp, float(last))


def _outcome(action: Verify, seen: Seen) -> Outcome:
    if seen.state is State.OK:
        return Outcome(
            Fate.DONE,
            size=action.target.size,
            proof=seen.proof,
            target_etag=seen.pin,
            target_version=seen.version,
            hashes=action.hashes,
        )
    fate = Fate.SKIPPED if seen.state is State.REPLACED else Fate.FAILED
    return Outcome(fate, target_etag=seen.pin, cause=_CAUSES[seen.state], message=seen.why)
