"""Where events come from: whoever keeps them until it is told that they are done with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """One, as it came."""

    body: str
    receipt: str  # What it is let go by.


class Feed(Protocol):
    """May tell a message twice, late, or in any order."""

    def take(self, wait_seconds: float) -> list[Message]:
        """Those that are there; if there are none, those that come within that time."""

    def drop(self, messages: Sequence[Message]) -> None:
        """They are done with: they do not come again."""

    def close(self) -> None: ...
