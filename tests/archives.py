"""An archive that behaves as Amazon's: moto thaws step by step, and a shim adds what it lacks.

moto never refuses a second request, its copies never expire, and no object of
INTELLIGENT_TIERING is archived. Here they do.
"""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote

from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from desk import Desk
from faults.http import Message, answer
from faults.proxy import Exchange, FaultProxy
from servers import SERVERS, Endpoint

LOOKS = 3  # So many looks at an object that is being thawed, and the last one finds it thawed.
_PAST, _FUTURE = (formatdate(when, usegmt=True) for when in (1_600_000_000, 4_000_000_000))
_STATE = re.compile(rb"x-amz-restore:[^\r]*\r\n", re.IGNORECASE)


@contextmanager
def archive_server(folder: Path) -> Iterator[Endpoint]:
    """A moto of its own: how it thaws is told to all of a server."""
    with SERVERS["moto"].running(folder) as endpoint:
        said = {"progression": "manual", "times": LOOKS}
        body = json.dumps({"model_name": "s3::keyrestore", "transition": said}).encode()
        place = f"{endpoint.url}/moto-api/state-manager/set-transition"
        request = urllib.request.Request(place, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10):
            yield endpoint


class Archive:
    """The shim, in the hands of a proxy before the server."""

    def __init__(self, proxy: FaultProxy) -> None:
        self.asked: list[tuple[float, str]] = []  # When, and for what.
        self.refused = 0  # It was under way already.
        self.expired: set[str] = set()  # Their thaw is over, until they are asked for anew.
        self.tiered: set[str] = set()  # INTELLIGENT_TIERING has put them into its archive.
        self.by_others: set[str] = set()  # Under way, and a look does not show it yet.
        self._looks: dict[str, int] = {}  # Left until it is there; of those that the shim thaws.
        proxy.add(self._restore, method="POST", path=r"\?restore")
        proxy.add(self._look, method="HEAD")
        proxy.add(self._read, method="GET", path=r"/[^/?]+/[^?]")
        proxy.add(self._copy, method="PUT")

    def busiest_second(self) -> int:
        """The most requests in any one second."""
        times = sorted(when for when, _ in self.asked)
        return max(
            (sum(1 for other in times if when <= other < when + 1) for when in times), default=0
        )

    def _restore(self, exchange: Exchange) -> None:
        key = exchange.seen.key
        self.asked.append((time.monotonic(), key))
        if key in self._looks or key in self.by_others:
            if key in self.by_others:
                self.by_others.discard(key)
                self._looks[key] = LOOKS
                exchange.forward()  # What the others did.
            self.refused += 1
            exchange.send(answer(409, b"<Error><Code>RestoreAlreadyInProgress</Code></Error>"))
        elif key in self.expired or key in self.tiered:
            self._looks[key] = LOOKS
            if key in self.expired:
                exchange.forward()
            exchange.send(answer(202))
        else:
            exchange.send(exchange.forward())

    def _look(self, exchange: Exchange) -> None:
        key, told = exchange.seen.key, exchange.forward()
        if key in self._looks:
            told = self._thawing(key, told)
        elif key in self.tiered:
            told = _with(told, "x-amz-archive-status: ARCHIVE_ACCESS")
        elif key in self.expired:
            told = _with(told, f'x-amz-restore: ongoing-request="false", expiry-date="{_PAST}"')
        exchange.send(told)

    def _thawing(self, key: str, told: Message) -> Message:
        self._looks[key] -= 1
        if self._looks[key]:
            status = "x-amz-archive-status: ARCHIVE_ACCESS\r\n" if key in self.tiered else ""
            return _with(told, f'{status}x-amz-restore: ongoing-request="true"')
        del self._looks[key]
        self.expired.discard(key)
        if key in self.tiered:
            self.tiered.discard(key)
            return told
        return _with(told, f'x-amz-restore: ongoing-request="false", expiry-date="{_FUTURE}"')

    def _read(self, exchange: Exchange) -> None:
        if self._is_frozen(exchange.seen.key):
            exchange.send(answer(403, b"<Error><Code>InvalidObjectState</Code></Error>"))
        else:
            exchange.send(exchange.forward())

    def _copy(self, exchange: Exchange) -> None:
        source = unquote(exchange.request.header("x-amz-copy-source")).lstrip("/")
        if self._is_frozen(source.partition("/")[2]):
            exchange.send(answer(403, b"<Error><Code>ObjectNotInActiveTierError</Code></Error>"))
        else:
            exchange.send(exchange.forward())

    def _is_frozen(self, key: str) -> bool:
        return key in self.expired or key in self.tiered or key in self._looks


def _with(told: Message, line: str) -> Message:
    """The same answer with another word about its thaw."""
    head = _STATE.sub(b"", told.head)
    return Message(head.replace(b"\r\n", f"\r\n{line}\r\n".encode(), 1), told.body)


def put(desk: Desk, tier: str, *keys: str) -> None:
    for key in keys:
        blocking(desk.store.write(key, key.encode(), attributes=Attributes(tier=tier)))


def asked(proxy: FaultProxy) -> list[str]:
    """Keys that somebody wanted thawed."""
    return sorted(seen.key for seen in proxy.seen("POST", r"\?restore"))
