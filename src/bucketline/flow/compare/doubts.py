"""Doubts that two entries alone leave, ended by what the ledger remembers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bucketline.flow.compare.pairs import Both, Rule, Settle, Verdict


class Known(Protocol):
    """What the ledger knows of a key: its last proven copy; a size below 0 = it is in doubt."""

    @property
    def size(self) -> int: ...
    @property
    def source_etag(self) -> str: ...
    @property
    def target_etag(self) -> str: ...


Lookup = Callable[[Sequence[str]], Mapping[str, Known]]  # By the target's keys.


def by_ledger(lookup: Lookup, rule: Rule) -> Settle:
    """Ends doubts by the last proven copy: is each side still what it was then?"""

    def settle(doubts: Sequence[Both]) -> list[Verdict]:
        known = lookup([target.key for _, target in doubts])
        return [_by_known(both, known.get(both.target.key), rule) for both in doubts]

    return settle


def _by_known(both: Both, known: Known | None, rule: Rule) -> Verdict:
    source, target = both
    if known is not None and known.size < 0:
        return Verdict.ETAG
    if known is None or not (source.pin and target.pin):
        return rule.unknown(source, target)
    was = (known.size, known.source_etag, known.target_etag)
    return Verdict.SAME if was == (source.size, source.pin, target.pin) else Verdict.ETAG
