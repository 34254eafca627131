"""Endpoints in a world of their own making: how long an answer takes, and when there is none.

`Links` is a carrier for the real drive; its time is a fake clock's, so that hours pass at once and
the same seed makes the same story.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

from bucketline.clock import FakeClock
from bucketline.errors import StoreError
from bucketline.stores.base import Answer, Request

Reply = Callable[[Request], Answer]


@dataclass
class Link:
    """One endpoint: how it is, by the clock, from a moment on."""

    seconds: float = 0.02  # Until an answer comes.
    error: StoreError | None = None  # Instead of an answer.
    reply: Reply | None = None  # Instead of the usual one.


@dataclass
class Links:
    """All endpoints, by URL; each with its weather: from when on it is how."""

    clock: FakeClock
    usual: Reply
    weather: dict[str, list[tuple[float, Link]]]
    dice: Random = field(default_factory=lambda: Random(1))
    begun: list[tuple[float, str]] = field(default_factory=list)  # When, to whom.
    _due: list[tuple[float, int, Any, Answer | StoreError]] = field(default_factory=list)
    _until: float = 0.0

    def start(self, request: Request, ticket: Any) -> None:
        now, url = self.clock.now(), "://".join(urlsplit(request.url)[:2])
        self.begun.append((now, url))
        link = self._link(url, now)
        told = link.error or (link.reply or self.usual)(request)
        due = now + link.seconds * self.dice.uniform(0.8, 1.2)
        heapq.heappush(self._due, (due, len(self.begun), ticket, told))

    def poll(self, timeout_seconds: float) -> Iterable[tuple[Any, Answer | StoreError]]:
        """What ends first, and nothing else: time moves to there, or by so much."""
        until = self.clock.now() + timeout_seconds
        if not self._due or self._due[0][0] > until:
            self.clock.sleep(timeout_seconds)
            return []
        due, _, ticket, told = heapq.heappop(self._due)
        self.clock.sleep(max(0.0, due - self.clock.now()))
        return [(ticket, told)]

    def wake(self) -> None: ...
    def close(self) -> None: ...

    def share(self, since: float, until: float) -> Counter[str]:
        """Who was asked how often, in so many seconds."""
        return Counter(url for when, url in self.begun if since <= when < until)

    def _link(self, url: str, now: float) -> Link:
        return [link for since, link in self.weather[url] if since <= now][-1]
