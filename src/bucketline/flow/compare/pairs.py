"""Two streams of entries become pairs, verdicts, actions. Pure: no stores, no clocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from bucketline.model import Action, Copy, Delete, Entry, Skip

_SKIP_EVERY = 10_000  # Equal pairs that are counted before they are told.
_DOUBTS_MAX = 500  # Pairs that are settled together: one question to the ledger.
_MD5 = re.compile("[0-9a-fA-F]{32}")
_SLACK_SECONDS = 0.002  # A time that went through a float or a file system is not exact.


class Mode(Enum):
    """What makes two objects the same. Their sizes must agree in every mode."""

    AUTO = "auto"  # The strongest that both sides can answer without reading bodies.
    SIZE = "size"  # Nothing else.
    MTIME = "mtime"  # The source was not modified after the target was.
    ETAG = "etag"  # Equal etags; where they cannot be compared, the last proven copy.
    CHECKSUM = "checksum"  # The bytes: by what both sides answer for, else by reading.
    BYTES = "bytes"  # The bytes, all of them read on both sides, whatever is told of them.


class Verdict(Enum):
    """What became of one pair. The differences are the reasons of a `Copy`."""

    SAME = "same"
    MISSING = "missing"  # At the target.
    EXTRA = "extra"  # At the target.
    SIZE = "size"
    MODIFIED = "modified"
    ETAG = "etag"
    CHECKSUM = "checksum"
    DOUBT = "doubt"  # These entries alone cannot tell.


class Pair(NamedTuple):
    """What the two sides hold under one key; never two times None."""

    source: Entry | None
    target: Entry | None


class Judged(NamedTuple):
    """A pair and its verdict."""

    pair: Pair
    verdict: Verdict


class Both(NamedTuple):
    """A pair that both sides hold, in doubt."""

    source: Entry
    target: Entry


Same = Callable[[Entry, Entry], bool]
Settle = Callable[[Sequence[Both]], Sequence[Verdict]]  # Ends doubts; DOUBT = nobody can.


def never(_source: Entry, _target: Entry) -> bool:
    """For those who want to see each pair."""
    return False


def pair_up(source: Iterable[Entry], target: Iterable[Entry]) -> Iterator[Pair]:
    """Each key on either side exactly once, in key order, in constant memory."""
    for pair in differences(source, target):
        if isinstance(pair, Pair):
            yield pair


def differences(
    source: Iterable[Entry],
    target: Iterable[Entry],
    *,
    cuts: tuple[int, int] = (0, 0),
    is_same: Same = never,
) -> Iterator[Pair | Skip]:
    """Each key on either side exactly once, in key order; those that are the same only counted.

    Keys are compared without their prefixes, whose lengths are `cuts`: equal prefixes taken away
    keep the order. This loop runs for each key there is, hence its plainness.
    """
    cut, other_cut = cuts
    sources, targets = iter(source), iter(target)
    left, right = next(sources, None), next(targets, None)
    count = size = 0
    while left is not None and right is not None:
        key, other_key = left.key[cut:], right.key[other_cut:]
        if key == other_key:
            if is_same(left, right):
                count += 1
                size += left.size
                if count == _SKIP_EVERY:
                    yield Skip(count, size)
                    count = size = 0
            else:
                yield Pair(left, right)
            left, right = next(sources, None), next(targets, None)
        elif key < other_key:
            yield Pair(left, None)
            left = next(sources, None)
        else:
            yield Pair(None, right)
            right = next(targets, None)
    if count:
        yield Skip(count, size)
    while left is not None:
        yield Pair(left, None)
        left = next(sources, None)
    while right is not None:
        yield Pair(None, right)
        right = next(targets, None)


@dataclass(frozen=True, slots=True)
class Rule:
    """How entries alone are compared, given the mode and what the two sides' etags mean.

    Equal etags mean equal bytes, however they were made. Unequal ones may mean unequal bytes, if
    both look like MD5s, but an encrypted object's only looks so; an etag of parts ("…-3") depends
    on the part size, a file's on its inode. So every unequal etag is a doubt first.
    """

    mode: Mode
    etags_are_md5: bool  # On both sides, for objects written in one piece and not encrypted.
    is_vouched: bool = False  # Both sides answer for the etags of what they hold.

    @property
    def said(self) -> str:
        """For the output: what the comparison rests on."""
        ledger = "the last proven copy in the ledger"
        match self.mode:
            case Mode.SIZE:
                return "size"
            case Mode.MTIME:
                return "size and time"
            case Mode.ETAG:
                return f"etag; where etags cannot be compared, {ledger}"
            case Mode.CHECKSUM:
                if self.is_vouched:
                    return "checksums that both sides answer for; where they cannot tell, the bytes"
                return "the bytes, which are read"
            case Mode.BYTES:
                return "bytes"
            case Mode.AUTO if self.etags_are_md5:
                return f"etag; where etags cannot be compared, {ledger}, else size and time"
        return f"{ledger}, else size and time"

    @property
    def is_same(self) -> Same:
        """A quick test that finds most pairs equal; what it denies needs `verdict`."""
        match self.mode:
            case Mode.SIZE:
                return _is_same_size
            case Mode.MTIME:
                return _is_not_newer
            case Mode.CHECKSUM:
                return _is_same_vouched if self.is_vouched else never
            case Mode.BYTES:
                return never
        return is_same_etag

    def verdict(self, source: Entry, target: Entry) -> Verdict:
        """What the entries tell; DOUBT when they do not."""
        if source.size != target.size:
            return Verdict.SIZE
        if self.is_same(source, target):
            return Verdict.SAME
        if self.mode is Mode.MTIME:
            return Verdict.MODIFIED
        return Verdict.DOUBT

    def unknown(self, source: Entry, target: Entry) -> Verdict:
        """What to make of a doubt that the ledger cannot end.

        Mode AUTO trusts times then; mode ETAG has it copied once, after which the ledger knows.
        """
        if self.etags_are_md5 and _MD5.fullmatch(source.etag) and _MD5.fullmatch(target.etag):
            return Verdict.ETAG
        if self.mode is Mode.AUTO:
            return Verdict.SAME if _is_not_newer(source, target) else Verdict.MODIFIED
        return Verdict.ETAG


def judged(pairs: Iterable[Pair | Skip], rule: Rule, settle: Settle) -> Iterator[Judged | Skip]:
    """The same pairs with their verdicts, in order; doubts are settled in batches."""
    waiting: list[Judged] = []
    doubts = 0
    for pair in pairs:
        if isinstance(pair, Skip):
            yield from _settled(waiting, settle)
            yield pair
            waiting, doubts = [], 0
            continue
        one = Judged(pair, _first_verdict(pair, rule))
        if one.verdict is Verdict.DOUBT:
            doubts += 1
        elif not doubts:
            yield one
            continue
        waiting.append(one)
        if doubts == _DOUBTS_MAX or len(waiting) == _SKIP_EVERY:
            yield from _settled(waiting, settle)
            waiting, doubts = [], 0
    yield from _settled(waiting, settle)


def decide(
    pairs: Iterable[Pair | Skip],
    rule: Rule,
    settle: Settle,
    *,
    rename: Callable[[str], str] = str,
    delete_extra: bool = False,
) -> Iterator[Action | Skip]:
    """What to do, given what is where; `rename` makes a target's key of a source's.

    A doubt that nobody can settle is copied: the move proves what the comparison could not.
    """
    same = same_size = 0
    for one in judged(pairs, rule, settle):
        if isinstance(one, Skip):
            yield Skip(one.count + same, one.size + same_size)
            same = same_size = 0
            continue
        source, target = one.pair
        if source is None:
            if delete_extra and target is not None:
                yield Delete(target)
        elif one.verdict is Verdict.SAME:
            same += 1
            same_size += source.size
        else:
            verdict = Verdict.CHECKSUM if one.verdict is Verdict.DOUBT else one.verdict
            yield Copy(source, rename(source.key), replaces=target, reason=verdict.value)
    if same:
        yield Skip(same, same_size)


def _settled(waiting: list[Judged], settle: Settle) -> Iterator[Judged]:
    doubts = [
        Both(source, target)
        for (source, target), verdict in waiting
        if verdict is Verdict.DOUBT and source is not None and target is not None
    ]
    verdicts = iter(settle(doubts) if doubts else ())
    for one in waiting:
        yield Judged(one.pair, next(verdicts)) if one.verdict is Verdict.DOUBT else one


def _first_verdict(pair: Pair, rule: Rule) -> Verdict:
    if pair.target is None:
        return Verdict.MISSING
    if pair.source is None:
        return Verdict.EXTRA
    return rule.verdict(pair.source, pair.target)


def _is_same_size(source: Entry, target: Entry) -> bool:
    return source.size == target.size


def is_same_etag(source: Entry, target: Entry) -> bool:
    return source.etag == target.etag and source.size == target.size and source.etag != ""


def _is_same_vouched(source: Entry, target: Entry) -> bool:
    """An etag that was remembered of a file is what its bytes were, not what they are."""
    return is_same_etag(source, target) and not (source.stamp or target.stamp)


def _is_not_newer(source: Entry, target: Entry) -> bool:
    """Some places keep whole seconds only: then the target may carry the source's, cut off."""
    if source.size != target.size:
        return False
    early_enough = source.modified <= target.modified + _SLACK_SECONDS
    return early_enough or target.modified == source.modified // 1
