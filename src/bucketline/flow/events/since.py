"""What is remembered between passes that go by events: a file beside the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bucketline.durable import whole_file

_VERSION = 3


@dataclass(frozen=True, slots=True)
class Since:
    """How it stands since the last full listing."""

    listed: float = 0.0  # When that began; 0 = never.
    covered: float = 0.0  # Events from before are in it.
    replaced: int = 0  # Objects that were written over by hints since.
    vanished: int = 0  # That were hidden by them, in a backup of versions.
    scrambled: int = 0  # That looked encrypted then, and did not before.
    live: int = 0  # Objects that the source showed to the last listing: limits are shares of that.

    @classmethod
    def read(cls, path: Path) -> Since:
        """One that is lost, damaged, or of a newer program costs a listing, and nothing else."""
        try:
            told = json.loads(path.read_bytes())
            if told.pop("v") != _VERSION:
                return cls()
            names = ("replaced", "vanished", "scrambled", "live")
            counts = [int(told[name]) for name in names]
            return cls(float(told["listed"]), float(told["covered"]), *counts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, path: Path) -> None:
        """In one step: a crash leaves the old one or this one."""
        with whole_file(path) as out:
            out.write(json.dumps({"v": _VERSION, **asdict(self)}).encode())
