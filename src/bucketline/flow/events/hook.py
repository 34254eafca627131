"""A door for events that a service pushes: what was answered with 200 is kept until it is done.

Who pushes tries again until it hears that 200, and never after it. So nothing is answered before it
lies on the disk, and what a killed run has left is told by the next one.
"""

from __future__ import annotations

import errno
import hmac
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, NamedTuple

from bucketline.clock import Clock
from bucketline.durable import replace_file
from bucketline.errors import DiskError, UsageError
from bucketline.flow.events.feed import Message
from bucketline.settings import Secret

_BODY_MAX = 1 << 20
_KEPT_MAX, _KEPT_BYTES_MAX = 100_000, 64 << 20  # Beyond that, who pushes is to come again.
_MOST = 5_000  # Messages at once.
_HIDDEN_SECONDS = 300.0  # What was taken and not dropped comes again after so long.
_TIDY_BYTES = 8 << 20  # Of a file of which nothing is left to do.
_CONNECTIONS = 64
_SILENCE_SECONDS = 10


class Door(NamedTuple):
    """Where it is, and what who knocks must know: as the path, or as a bearer token."""

    host: str
    port: int
    secret: Secret


class Kept:
    """Messages on the disk: a line for each, and one for those that are done with."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.bodies = _left(path)
        self.size = sum(map(len, self.bodies.values()))
        self._next = max(self.bodies, default=0) + 1
        replace_file(path, "".join(_line(number, body) for number, body in self.bodies.items()))
        self._file: IO[bytes] = path.open("ab", buffering=0)

    def add(self, body: str) -> None:
        """Durable on return. Raises OSError."""
        number = self._next
        self._write(_line(number, body))
        self._next += 1
        self.bodies[number] = body
        self.size += len(body)

    def drop(self, numbers: Iterable[int]) -> None:
        """Raises OSError; a drop that is lost in a crash has a message told twice."""
        gone = [number for number in numbers if number in self.bodies]
        self._write(json.dumps({"done": gone}) + "\n")
        for number in gone:
            self.size -= len(self.bodies.pop(number))
        if not self.bodies and self._file.tell() > _TIDY_BYTES:
            self._file.truncate(0)

    def close(self) -> None:
        self._file.close()

    def _write(self, line: str) -> None:
        at, data = self._file.seek(0, 2), line.encode()
        try:
            _write_all(self._file, data)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(at)  # Half a line would swallow the next one.
            raise


class Hook:
    """A feed, and the server of its door."""

    def __init__(
        self,
        door: Door,
        path: Path,
        is_ours: Callable[[str], bool],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._is_ours, self._clock, self._say = is_ours, clock, say
        self._secret = door.secret.reveal
        self._said: set[str] = set()
        self._kept = Kept(path)
        self._hidden: dict[int, float] = {}  # Taken: until when it is not told again.
        self._changed = threading.Condition()
        try:
            self._server = _Server((door.host, door.port), _handler(self))
        except OSError as error:
            self._kept.close()
            raise UsageError(
                f"--events hook:{door.host}:{door.port}: cannot listen there"
                f" ({error.strerror}); name another place"
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="hook")
        self._thread.start()

    def take(self, wait_seconds: float) -> list[Message]:
        with self._changed:
            self._changed.wait_for(self._due, timeout=wait_seconds)
            due = self._due()[:_MOST]
            until = self._clock.monotonic() + _HIDDEN_SECONDS
            self._hidden |= dict.fromkeys(due, until)
            return [Message(self._kept.bodies[number], str(number)) for number in due]

    def drop(self, messages: Sequence[Message]) -> None:
        numbers = [int(one.receipt) for one in messages]
        with self._changed:
            try:
                self._kept.drop(numbers)
            except OSError as error:
                raise DiskError(f"events cannot be let go ({error.strerror})") from None
            for number in numbers:
                self._hidden.pop(number, None)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        with self._changed:
            self._kept.close()

    def heard(self, path: str, token: str, body: str) -> tuple[int, str]:
        """The answer to who pushes: 200 once it is on the disk."""
        if self._secret and not self._knows(path, token):
            return self._refused(401, "somebody knocked without the secret of --events-secret")
        if not self._is_ours(body):
            return self._refused(400, "what came is no event of the source, or not of it alone")
        with self._changed:
            if len(self._kept.bodies) >= _KEPT_MAX or self._kept.size >= _KEPT_BYTES_MAX:
                return self._refused(503, "more events wait than are kept; they come again")
            try:
                self._kept.add(body)
            except OSError as error:
                return self._refused(503, f"events cannot be kept ({error.strerror})")
            self._changed.notify_all()
        return 200, ""

    def _due(self) -> list[int]:
        now = self._clock.monotonic()
        return [number for number in self._kept.bodies if self._hidden.get(number, 0.0) <= now]

    def _knows(self, path: str, token: str) -> bool:
        secret = self._secret.encode()
        by_path = hmac.compare_digest(path.strip("/").encode(), secret)
        return hmac.compare_digest(token.removeprefix("Bearer ").encode(), secret) or by_path

    def _refused(self, status: int, why: str) -> tuple[int, str]:
        """Each reason is told once: a stranger may come a thousand times."""
        if why not in self._said:
            self._said.add(why)
            self._say(f"--events hook: {why}")
        return status, why


class _Server(ThreadingHTTPServer):
    """So many at once; the others come again."""

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, place: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in place[0]:
            self.address_family = socket.AF_INET6
        super().__init__(place, handler)
        self._room = threading.Semaphore(_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's trouble."""


def _handler(hook: Hook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _SILENCE_SECONDS

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("Content-Length", ""))
            except ValueError:
                self._tell(411, "say how long it is")
                return
            if not 0 <= length <= _BODY_MAX:
                self._tell(413, "too long for an event")
                return
            body = self.rfile.read(length)
            if len(body) == length:  # Else it went away.
                told = body.decode(errors="replace")
                token = self.headers.get("Authorization", "")
                self._tell(*hook.heard(self.path, token, told))

        def _tell(self, status: int, why: str) -> None:
            said = why.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            if status != 200:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Paths may hold the secret."""

    return Handler


def _write_all(file: IO[bytes], data: bytes) -> None:
    """A disk that fills up amid it takes a part, and raises nothing."""
    if file.write(data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _line(number: int, body: str) -> str:
    return json.dumps({"number": number, "body": body}) + "\n"


def _left(path: Path) -> dict[int, str]:
    """What was kept and is not done with; a last line that was cut off was never answered."""
    found: dict[int, str] = {}
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return found
    except OSError as error:
        raise DiskError(f"{path}: cannot be read ({error.strerror})") from None
    for at, line in enumerate(lines):
        try:
            told = json.loads(line)
            if "done" in told:
                for number in told["done"]:
                    found.pop(number, None)
            else:
                found[int(told["number"])] = str(told["body"])
        except (ValueError, KeyError, TypeError):
            if at + 1 < len(lines):
                raise DiskError(f"{path}: is damaged; move it away, and list all") from None
    return found
