"""Names of Splunk's buckets, and where SmartStore keeps each of them."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

# The newest event's time comes first. Indexes may have `_` in their names, these never do.
_NAME = re.compile(
    r"(db|rb)_(\d{1,19})_(\d{1,19})_(\d{1,19})"
    r"(?:_([0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}))?",
    re.ASCII,
)
_INDEX = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}", re.ASCII)


class BucketName(NamedTuple):
    """A bucket's folder name, understood."""

    text: str
    kind: str  # db = the copy that it began as, rb = a replica.
    newest: int  # Seconds since 1970, of the newest event.
    oldest: int
    number: str
    guid: str  # Of the indexer that it began at; "" on one outside of any cluster.

    @property
    def identity(self) -> str:
        """The same for all copies of one bucket."""
        return f"{self.number}~{self.guid}"

    @property
    def is_replica(self) -> bool:
        return self.kind == "rb"

    def bid(self, index: str, guid: str = "") -> str:
        """As Splunk calls it; `guid` stands in for one without."""
        return f"{index}~{self.number}~{self.guid or guid}"

    def overlaps(self, start: float | None, end: float | None) -> bool:
        """Whether an event in [start, end] may be in it: both ends count."""
        is_late = start is not None and self.newest < start
        is_early = end is not None and self.oldest > end
        return not (is_late or is_early)

    def owned(self, guid: str) -> BucketName:
        """The name that it takes among others: with a GUID, and as an original."""
        return parse(f"db_{self.newest}_{self.oldest}_{self.number}_{self.guid or guid}") or self


def parse(text: str) -> BucketName | None:
    """A folder's name, if it is a bucket's."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    kind, newest, oldest, number, guid = match.groups()
    return BucketName(text, kind, int(newest), int(oldest), number, guid or "")


def is_index(text: str) -> bool:
    """Whether an index may be called so: such a name is safe as a folder's, too."""
    return _INDEX.fullmatch(text) is not None and ".." not in text


def receipt_folders(root: str, bid: str) -> tuple[str, str]:
    """Where SmartStore may keep a bucket, under its index's root: lower case first, then upper."""
    identity = bid.partition("~")[2]
    # SHA-1 is Splunk's choice, for spreading only.
    digest = hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()
    cases = (digest, digest.upper())
    first, second = (f"{root}{case[:2]}/{case[2:4]}/{identity}/" for case in cases)
    return first, second
