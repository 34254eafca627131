"""A real `bucketline relay run` between two real servers, each behind a fault proxy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.syncing import Done, Job


@dataclass
class RelayJob(Job):
    """One relay, which may be started again and again."""

    volumes: Sequence[Path] = ()
    said: tuple[str, ...] = field(default=("--once",))
    configuration: str = ""  # More of it.

    def words_for(self, *command: str) -> list[str]:
        for folder in self.volumes:
            folder.mkdir(parents=True, exist_ok=True)
        named = [word for folder in self.volumes for word in ("--volume", str(folder))]
        places = (f"one:{self.source}/", f"two:{self.bucket}/")
        words = super().words_for(*(command or ("relay", "run", *places, *named, *self.said)))
        config = self.state / "config.yaml"
        config.write_text(config.read_text() + self.configuration)
        return words

    def staged_files(self) -> list[Path]:
        """What lies on the volumes."""
        return [
            path for folder in self.volumes for path in folder.glob("spool/*/*/*") if path.is_file()
        ]

    def proven_by(self, hop: str) -> set[str]:
        """Keys that the ledger of a hop calls done."""
        return {str(key) for (key,) in self._history(hop)}

    def _history(self, hop: str) -> Iterator[tuple[Any, ...]]:
        for file in (self.state / "ledgers").glob(f"relay-{hop}*.ledger"):
            with closing(sqlite3.connect(file)) as db:
                try:
                    yield from db.execute("SELECT DISTINCT key FROM history WHERE fate='done'")
                except sqlite3.OperationalError:  # Killed before it had tables.
                    return


def hop(done: Done, name: str) -> dict[str, Any]:
    """The last summary of a hop."""
    summaries = [one for one in done.records if one["event"] == "summary" and one["hop"] == name]
    return summaries[-1]


def adds_up(done: Done) -> bool:
    """Whether each summary's counters do."""
    fates = ("skipped", "done", "failed", "waiting", "unfinished")
    return all(
        one["listed"] == sum(one[fate] for fate in fates)
        for one in done.records
        if one["event"] == "summary"
    )


def stage(job: RelayJob) -> None:
    """Fetch all of it, and send next to nothing."""
    job.said = ("--once", "--max-send", "1")
    assert job.run().code == 4
    job.said = ("--once",)
