"""Files that nobody has hashed: where a copy would end a doubt, reading them here may too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bucketline.errors import Remedy, StoreError
from bucketline.flow.compare.content import etags
from bucketline.flow.compare.pairs import Both, Settle, Verdict
from bucketline.flow.look.listing import Caller
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store, Together
from bucketline.stores.beyond import remember

_OF_BYTES = re.compile(r"[0-9a-f]{32}(-\d{1,5})?")


def hashed_first(
    settle: Settle, source: Store, target: Store, drive: Caller, *, width: int = 8
) -> Settle:
    """The same verdicts, but what would be copied is hashed first, if one side is such a file.

    A folder that was restored, or whose files were given to another owner, is the same as before:
    reading it costs less than moving it. What is learnt is remembered: it happens once.
    """

    def settled(doubts: Sequence[Both]) -> Sequence[Verdict]:
        verdicts = list(settle(doubts))
        unsure = [
            number
            for number, both in enumerate(doubts)
            if verdicts[number] is not Verdict.SAME
            and (_is_unhashed(*both) or _is_unhashed(*both[::-1]))
        ]
        flows = [_is_same(doubts[number], source, target) for number in unsure]
        answers: list[bool] = drive.call(_together(flows, width)) if flows else []
        for number, is_same in zip(unsure, answers, strict=True):
            if is_same:
                verdicts[number] = Verdict.SAME
        return verdicts

    return settled


def _is_unhashed(one: Entry, other: Entry) -> bool:
    """Whether `one` is a file whose etag is unknown, or one of parts, and the other's tells more.

    Two MD5s of the whole need no reading. Etags of parts depend on how an object was cut.
    """
    if not (one.stamp and _OF_BYTES.fullmatch(other.etag)):
        return False
    return not one.etag or "-" in one.etag or "-" in other.etag


def _together(flows: list[Flow[bool]], width: int) -> Flow[list[bool]]:
    answers: list[bool] = yield Together(flows, width=width)
    return answers


def _is_same(both: Both, source: Store, target: Store) -> Flow[bool]:
    mine, store, other = both.source, source, both.target
    if not _is_unhashed(mine, other):
        mine, store, other = both.target, target, both.source
    try:
        hashed = yield from etags(mine, store, like=other.etag)
    except StoreError as error:
        if error.remedy is Remedy.STOP:
            raise
        return False  # The copy will tell what is wrong.
    is_same = other.etag in hashed.etags
    remember(store, hashed.entry, other.etag if is_same else hashed.etags[0])
    return is_same
