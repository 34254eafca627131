"""Writes a plan down: line by line as it is made, and only a whole one gets the file's name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from bucketline.durable import whole_file
from bucketline.errors import Refused
from bucketline.flow.plans.lines import Head, Totals, action_line, end_line, head_line, totals_line
from bucketline.model import Action, Skip


class Writer:
    """A plan file in the making."""

    def __init__(self, file: IO[bytes], head: Head) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._lines = 0
        self.totals = Totals()
        self._write(head_line(head))

    def add(self, action: Action) -> None:
        self._write(action_line(action))
        self.totals.add(action)

    def seal(self) -> str:
        """The last lines; the plan's SHA-256, by which it is known."""
        self._write(totals_line(self.totals))
        sha256 = self._digest.hexdigest()
        self._file.write(end_line(self._lines, sha256))
        return sha256

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._digest.update(line)
        self._lines += 1


def write_plan(
    path: Path,
    head: Head,
    steps: Iterable[Action | Skip],
    complete: Callable[[Totals], None],
) -> Totals:
    """All of the plan into a file; `complete` adds what is known only at its end.

    A plan that is refused is written as well, to be looked at; it says so, and is never carried
    out.
    """
    with whole_file(path) as file:
        writer = Writer(file, head)
        totals = writer.totals
        try:
            for step in steps:
                if isinstance(step, Skip):
                    totals.skipped += step.count
                else:
                    writer.add(step)
        except Refused as error:
            totals.refusal = str(error)
        complete(totals)
        writer.seal()
    return totals
