"""The ring's services as one HTTP server on loopback, which fails as a seed wants it to."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from bucketline.engines.ring.keys import children_of
from ring.making import NODES, NOW, Stored
from ring.world import World

Told = tuple[int, bytes | Iterator[bytes], dict[str, str]]
Sent = tuple[Mapping[str, str], bytes]  # Headers and a body.


class Services:
    """Supervisor, nodes, bucketd and rebuild, of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: Counter[str] = Counter()
        self.faults: dict[str, float] = {}  # Route -> how often it answers 503.
        self.cut = False  # Lists of nodes end amid a line.
        self.nodes = NODES
        self.now: float = NOW
        self.buried: list[str] = []  # Main chunks, as they were deleted.
        self.purged: dict[str, Stored] = {}  # By input key: of these nothing is left.
        self.unread: set[str] = set()  # Input keys whose objects are too damaged to be read.
        self.put: dict[str, bytes] = {}  # Bodies that came back, by input key.
        self.before: dict[str, Callable[[], None]] = {}  # Bucket -> what happens before its page.
        self.kill_after, self.counted = 0, ""  # Answers, of this method alone.
        self.pid, self.victim, self.lock = 0, threading.Event(), threading.Lock()
        self.random = random.Random(1)
        self.url = ""

    def answer(self, method: str, target: str, sent: Sent = ({}, b"")) -> Told:
        """And, once so many answers were made, the end of who asked."""
        told = self._answer(method, target, sent)
        with self.lock:
            if self.counted in {
                "",
                method,
                f"{method} {route_of(target)}",
            }:  # Else the next process would be killed as well.
                self.kill_after -= 1
                if self.kill_after == 0 and self.victim.wait(60):
                    os.kill(self.pid, signal.SIGKILL)
        return told

    def _answer(self, method: str, target: str, sent: Sent) -> Told:
        url = urlsplit(target)
        words, question = url.path.strip("/").split("/"), dict(parse_qsl(url.query))
        route = route_of(target)
        self.asked[f"{method} {route}"] += 1
        if self.random.random() < self.faults.get(route, 0.0):
            return 503, b"busy", {}
        if route == "do" and "op" in question:
            return 200, self._chunk(question), {}
        if route == "do":
            return 200, self._supervisor(), {}
        if route == "listkeys":
            return 200, self._listing(question), {}
        if words[0] == "_":
            return self._sessions(words, question)
        if words[0] == "default":
            return self._bucketd([unquote(word) for word in words[2:]], question)
        changes = {"DELETE": lambda: self._delete(route, words[2])}
        changes["PUT"] = lambda: self._put(words[2], *sent)
        return changes.get(method, lambda: self._rebuild(route, words[2]))()

    def _chunk(self, question: dict[str, str]) -> bytes:
        """Only the node whose place it is knows of a chunk."""
        chunk = question["chunkid"]
        place = next((n for n in range(NODES) if place_of(n) >= chunk), 0)
        told = self.world.stat(chunk) if int(question["vnode"]) == 4244 + place else None
        status = "CHUNKAPI_STATUS_OK" if told else "CHUNKAPI_STATUS_NOT_FOUND"
        if question["op"] == "undelete":
            is_back = told and self.world.raise_up(chunk, int(question["version"]))
            status = "CHUNKAPI_STATUS_OK" if is_back else "CHUNKAPI_STATUS_ERROR"
        fields = "".join(f"<{name}>{value}</{name}>" for name, value in (told or {}).items())
        return f"<result><status>{status}</status>{fields}</result>".encode()

    def _delete(self, route: str, main: str) -> Told:
        if route != "chord" or not self.world.is_there(main):
            return 404, b"", {}
        self.world.bury(main)
        self.buried.append(main)
        return 200, b"", {}

    def purge(self, main: str) -> None:
        """The ring forgets what was deleted."""
        one = self.world.stored.pop(main)
        self.world.deleted -= set(one.chunks)
        self.purged[one.input_key] = one

    def _put(self, key: str, headers: Mapping[str, str], body: bytes) -> Told:
        """What it is then, the body and the headers say alone."""
        was = self.purged.pop(key)
        usermd = base64.b64decode(headers.get("X-Scal-Usermd", ""))
        is_raw = headers.get("X-Scal-Split-Policy") == "raw"
        one = self.world.stored[was.main] = Stored(was.main, key, was.flag, was.mtime, was.lost)
        one.children = children_of(body) if is_raw else []
        one.parent = usermd.removeprefix(b"\x01\x02index ").decode()
        self.put[key] = body
        return 200, b"", {}

    @property
    def hash(self) -> str:
        """Stands for all that the ring holds, and for what it says of each."""
        kept = sorted(
            f"{one} {self._body(one).hex()}" if self.world.is_there(one.main) else one.main
            for one in self.world.stored.values()
        )
        text = "\n".join([self.world.hash, *kept])
        return hashlib.sha256(text.encode()).hexdigest()

    def _body(self, one: Stored) -> bytes:
        if one.input_key in self.put:
            return self.put[one.input_key]
        if not one.children:
            return hashlib.sha256(one.input_key.encode()).digest() * 3
        text = "ab" * 5
        for child in one.children:
            raw = bytes.fromhex(child).lstrip(b"\0")
            text += f"02000000000000{len(raw):02x}{raw.hex()}"
        return bytes.fromhex(text)

    def _supervisor(self) -> bytes:
        port = urlsplit(self.url).port
        nodes = "".join(
            f"<node><name>n{n}</name><key>{place_of(n)}</key><reachable>1</reachable>"
            f"<tasks_blocked>0</tasks_blocked><config><ip>127.0.0.1</ip><port>{4244 + n}</port>"
            f"<adminport>{port}</adminport></config>"
            f"<ring><successor><key>{place_of((n + 1) % NODES)}</key></successor></ring></node>"
            for n in range(self.nodes)
        )
        return f"<result><dso><nodes>{nodes}</nodes></dso></result>".encode()

    def _listing(self, question: dict[str, str]) -> Iterator[bytes]:
        start, end = int(question["mtime_min"]), int(question["mtime_max"])
        for block in self.world.listed(int(question["vnode"]) - 4244, start, end):
            yield block[:-9] if self.cut else block

    def _sessions(self, words: list[str], question: dict[str, str]) -> Told:
        if len(words) == 2:
            return 200, b'[{"id": 0}, {"id": 1}]', {}
        if words[3] == "log":
            journal = self.world.journal[int(words[2])]
            begin = max(int(question.get("begin", len(journal))), self.world.pruned)
            log = journal[begin : begin + min(int(question["limit"]), 50)]
            info = {"start": begin, "cseq": len(journal) - 1, "prune": self.world.pruned}
            is_past = "begin" in question and not log
            return 416 if is_past else 200, json.dumps({"info": info, "log": log}).encode(), {}
        half = [name for name in self.world.buckets if len(name) % 2 == int(words[2])]
        return 200, json.dumps(half).encode(), {}

    def _bucketd(self, words: list[str], question: dict[str, str]) -> Told:
        self.before.pop(words[0], int)()
        if words[0] not in self.world.buckets:
            return 404, b"", {}
        if len(words) > 1:
            return 200, json.dumps(self.world.value(*words)).encode(), {}
        limit = 100 if self.world.crowd is None else 1_000
        page = self.world.page(words[0], question.get("marker", ""), limit)
        return 200, json.dumps(page).encode(), {}

    def _rebuild(self, route: str, key: str) -> Told:
        there = self.world.stored.get(key) if self.world.is_there(key) else None
        found = self.world.index_of(key) if route == "arc" else there
        if found is None:
            return 404, b"", {}
        usermd = base64.b64encode(b"\x01\x02index " + found.parent.encode()).decode()
        said = {"X-Scal-Usermd": usermd, "X-Scal-Attr-Object-Id": f"text={found.input_key}"}
        if route == "arc":
            if key in self.unread:
                return 404, b"", {}
            split = {"X-Scal-Attr-Is-Split": "True"} if found.children else {}
            return 200, self._body(found), {**said, **split}
        return 200, b"", said


def sent_by(handler: BaseHTTPRequestHandler) -> Sent:
    body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    return {name.title(): value for name, value in handler.headers.items()}, body


def route_of(target: str) -> str:
    """`/rebuild/arc-R/…` -> arc"""
    words = urlsplit(target).path.strip("/").split("/")
    return words[1].partition("-")[0] if words[0] == "rebuild" else words[0]


def place_of(node: int) -> str:
    """Where it stands on the ring."""
    return f"{node * (1 << 160) // NODES:040X}"


def chunked(blocks: Iterator[bytes]) -> Iterator[bytes]:
    for block in blocks:
        if block:
            yield b"%x\r\n%s\r\n" % (len(block), block)
    yield b"0\r\n\r\n"


@contextmanager
def serve(world: World) -> Iterator[Services]:
    services = Services(world)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, body, headers = services.answer(self.command, self.path, sent_by(self))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if isinstance(body, bytes):
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.writelines(chunked(body))

        do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(timestamp or services.now)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    services.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
