"""Exchanges with the ring's services: patient with what passes, plain about what does not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol
from urllib.parse import quote

from bucketline.errors import Broken, NotFound, Remedy, ServerFault, StoreError
from bucketline.stores.base import Answer, Flow, Pause, Request, Route


class Patience(NamedTuple):
    """How often an exchange is tried, and how long to wait first; each wait is twice the last."""

    tries: int = 5
    first_seconds: float = 0.5
    longest_seconds: float = 30.0


class Sink(Protocol):
    """Takes a body that may be larger than memory."""

    def begin(self) -> None:
        """What came so far was of an attempt that failed."""

    def take(self, data: bytes) -> None: ...


class Client:
    """One service."""

    def __init__(self, url: str, route: Route, patience: Patience) -> None:
        self.url = url.rstrip("/")
        self._route = route
        self._patience = patience

    def ask(
        self,
        method: str,
        path: str,
        headers: Sequence[str] = (),
        *,
        also: Sequence[int] = (),
        into: Sink | None = None,
        body: bytes = b"",
    ) -> Flow[Answer]:
        """200 or what is `also` fine; else `NotFound`, or `ServerFault` for what stays wrong."""
        for attempt in range(self._patience.tries):
            last: StoreError
            try:
                url, said = self.url + path, list(headers)
                request = Request(method, url, said, self._route, body=body, kind=method)
                if into is not None:
                    into.begin()
                    request.sink = into.take
                answer: Answer = yield request
                if answer.status == 200:
                    _check_length(method, answer, self.url)
                    return answer
                if answer.status in also:
                    return answer
                last = self._refusal(answer.status, path)
            except StoreError as error:
                last = error
            if last.remedy is not Remedy.RETRY or attempt + 1 == self._patience.tries:
                raise last
            wait = min(self._patience.first_seconds * 2**attempt, self._patience.longest_seconds)
            yield Pause(wait * random.uniform(0.5, 1.0))
        raise AssertionError

    def _refusal(self, status: int, path: str) -> StoreError:
        place = self.url + path.partition("?")[0]  # What follows may be a password.
        if status == 404:
            return NotFound(f"{place}: is not there")
        if status == 429 or status >= 500:
            return ServerFault(f"{place}: answered {status}")
        hint = "; are login and password right?" if status in {401, 403} else ""
        return StoreError(f"{place}: refused with {status}{hint}")


def _check_length(method: str, answer: Answer, place: str) -> None:
    """A body whose end nobody announced may have been cut short."""
    is_told = "content-length" in answer.headers or "transfer-encoding" in answer.headers
    if method != "HEAD" and not is_told:
        raise Broken(f"{place}: answered without telling where its answer ends")


def escaped(text: str) -> str:
    return quote(text, safe="")
