"""What a comparison says of each key: a sign, a reason, a line of a report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bucketline.durable import whole_file


class Symbol(Enum):
    """The signs of rclone's combined report, and one more."""

    EQUAL = "="
    ONLY_TARGET = "-"  # Missing at the source.
    ONLY_SOURCE = "+"  # Missing at the target.
    DIFFERS = "*"
    UNKNOWN = "!"  # Could not be compared.
    VOID = "~"  # A listing came without order: the lines before this one do not count.


@dataclass(frozen=True, slots=True)
class Line:
    """What was found out about one key."""

    symbol: Symbol
    key: str  # Behind the prefix.
    reason: str = ""
    source_size: int | None = None
    target_size: int | None = None

    def as_json(self) -> str:
        """One line of a report; a failure file's reader finds the key in it."""
        row = {
            "symbol": self.symbol.value,
            "key": self.key,
            "reason": self.reason,
            "source_size": self.source_size,
            "target_size": self.target_size,
        }
        return json.dumps({name: value for name, value in row.items() if value not in ("", None)})


@dataclass(frozen=True, slots=True)
class Summary:
    """How many keys were found in which state."""

    equal: int = 0
    only_source: int = 0
    only_target: int = 0
    differs: int = 0
    unknown: int = 0

    @property
    def exit_code(self) -> int:
        """3 = differences; 1 = none, but some keys could not be compared; 0 = the same."""
        if self.only_source or self.only_target or self.differs:
            return 3
        return 1 if self.unknown else 0


def summed(found: Mapping[Symbol, int]) -> Summary:
    """The same as numbers by name."""
    return Summary(
        equal=found.get(Symbol.EQUAL, 0),
        only_source=found.get(Symbol.ONLY_SOURCE, 0),
        only_target=found.get(Symbol.ONLY_TARGET, 0),
        differs=found.get(Symbol.DIFFERS, 0),
        unknown=found.get(Symbol.UNKNOWN, 0),
    )


def reported(lines: Iterable[Line], path: Path) -> Iterator[Line]:
    """The same lines, written as JSON lines to a file that appears when all are in it."""
    with whole_file(path) as file:
        for line in lines:
            if line.symbol is Symbol.VOID:
                file.truncate(file.seek(0))
            else:
                file.write(f"{line.as_json()}\n".encode())
            yield line
