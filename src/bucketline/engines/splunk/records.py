"""What is remembered of each bucket: one small file, written whole, before and after each deed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bucketline.durable import replace_file
from bucketline.engines.splunk.archive import is_journal
from bucketline.errors import LedgerError

VERSION = 4
# In the order in which they are reached; the last two are ends that a person must look at.
PLACING, PLACED, UPLOADED, DONE = "placing", "placed", "uploaded", "done"
QUARANTINED, FAILED = "quarantined", "failed"
FROZEN = "frozen"  # Splunk removed it before its upload was proven: an end, too.


@dataclass(slots=True)
class Record:
    """One bucket that we had to do with."""

    index: str
    bucket: str  # As the archive calls it.
    bid: str
    source: str = ""  # Its key in the archive.
    pin: str = ""  # What the archive held then.
    step: str = ""
    folder: str = ""  # Where it was put.
    events: int = 0
    raw_size: int = 0
    digest: str = ""  # SHA-256 over its events.
    hashes: dict[str, str] = field(default_factory=dict)  # Path in the bucket -> SHA-256.
    proof: str = ""  # The weakest by which its bytes are shown to be the archive's.
    counted_before: int = -1  # Events that Splunk counted before its eviction,
    counted_after: int = -1  # and at the end; -1 = it was not asked.
    bytes: int = 0
    restored_bytes: int = 0
    holds: list[str] = field(default_factory=list)  # Cases by which nothing of it may go.
    starts: int = 0  # Restarts of Splunk at which it was not found.
    asked: float = 0.0  # When Splunk was asked last to upload it.
    message: str = ""
    at: float = 0.0
    version: int = VERSION

    @property
    def journal_sha256(self) -> str:
        """Of the journal's objects in the archive; several are slices, by their numbers."""
        paths = sorted(filter(is_journal, self.hashes), key=lambda path: (len(path), path))
        return " ".join(self.hashes[path] for path in paths)

    def is_over(self, pin: str) -> bool:
        """Whether it ended so that only a person lets it be begun again, unless it is there."""
        return self.pin == pin and self.step in (UPLOADED, DONE, FROZEN, QUARANTINED)

    @property
    def is_ours(self) -> bool:
        """Whether it was us who put it where it is."""
        return self.step in (PLACING, PLACED, UPLOADED, DONE)


class Records:
    """All of a job's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, index: str, bucket: str) -> Record | None:
        try:
            data = json.loads(self._path(index, bucket).read_bytes())
            if data.get("version", 0) > VERSION:
                raise LedgerError(f"{self._path(index, bucket)}: is of a newer bucketline")
            return Record(**{**data, "version": VERSION})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise LedgerError(f"{self._path(index, bucket)}: cannot be read: {error}") from None

    def put(self, record: Record) -> None:
        """Durable on return."""
        path = self._path(record.index, record.bucket)
        replace_file(path, json.dumps(asdict(record)))

    def all(self) -> Iterator[Record]:
        for path in sorted(self._folder.glob("*/*.json")):
            record = self.get(path.parent.name, path.stem)
            if record is not None:
                yield record

    def _path(self, index: str, bucket: str) -> Path:
        return self._folder / index / f"{bucket}.json"
