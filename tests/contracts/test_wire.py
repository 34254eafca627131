"""What the wire promises of HTTP, shown by servers that say exactly what a test wants."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest

from bucketline.clock import SystemClock
from bucketline.errors import Broken, StoreError, Unreachable
from bucketline.flow.drive import blocking as call
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.base import Answer, Flow, Request, Route
from bucketline.stores.s3.store import S3Store
from bucketline.stores.s3.wire import Wire
from contracts.hostile import HOSTILE
from faults.http import Message, answer
from faults.raw import RawServer
from processes import free_port
from servers import Endpoint

ROUTE = Route(connect_timeout_seconds=5, idle_timeout_seconds=20)
IMPATIENT = Route(connect_timeout_seconds=1, idle_timeout_seconds=1)


def get(url: str, route: Route = ROUTE) -> Request:
    return Request("GET", url, [], route)


def ask(request: Request) -> Answer:
    """One exchange by the blocking driver."""

    def exchange() -> Flow[Answer]:
        return (yield request)

    return call(exchange())


def failure(request: Request) -> type[StoreError]:
    with pytest.raises(StoreError) as told:
        ask(request)
    return type(told.value)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as raw:
        yield raw


@pytest.mark.parametrize(
    "target",
    [
        "/b/a/../b",
        "/b/./a/.",
        "/b/..",
        "/b//a///",
        "/b/%2F%2E%2E/%7E~",  # libcurl writes the digits of an escape in capitals, and so do we.
        "/b/a%20b+c?prefix=%2B&x",
        "/b/a?b?c=/../d",
        "/b/%C3%A9/%F0%9F%98%80",
    ],
)
def test_what_stands_in_the_url_stands_on_the_request_line(server: RawServer, target: str) -> None:
    assert ask(get(server.url + target)).body == b"fine"

    assert server.targets == [target]


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_key_is_told_byte_for_byte(server: RawServer, case: str) -> None:
    keys = Keys("demo-access", Secret("demo-secret-not-real"))
    remote = Remote(endpoints=(server.url,), keys=keys)
    store = S3Store(remote, "bucket", clock=SystemClock())

    for key in HOSTILE[case]:
        call(store.write(key, b"bytes"))

    told = [unquote(target.removeprefix("/bucket/"), errors="strict") for target in server.targets]
    assert told == list(HOSTILE[case])
    assert not any("?" in target or "#" in target for target in server.targets)


def test_one_connection_carries_every_kind_of_request(server: RawServer) -> None:
    for _ in range(3):
        for method, body in [("GET", b""), ("PUT", b"bytes"), ("HEAD", b""), ("DELETE", b"")]:
            ask(Request(method, f"{server.url}/b/k", [], ROUTE, body))

    assert (len(server.requests), server.connections) == (12, 1)


@pytest.mark.parametrize("size", [0, 1, 65_536, 3 << 20])
def test_a_body_arrives_whole_at_once_and_under_its_length(server: RawServer, size: int) -> None:
    body = b"\r\n\0x" * (size // 4) + b"y" * (size % 4)

    ask(Request("PUT", f"{server.url}/b/k", ["X-Own: 1"], ROUTE, memoryview(body)))

    [sent] = server.requests
    assert (sent.body == body, sent.header("content-length")) == (True, str(size))
    assert [sent.header(name) for name in ("expect", "content-type", "accept", "x-own")] == [
        "",
        "",
        "",
        "1",
    ]


def test_only_the_headers_given_are_sent(server: RawServer) -> None:
    ask(get(f"{server.url}/b/k"))

    lines = server.requests[0].head.decode().split("\r\n")[1:-2]
    assert sorted(line.split(":")[0].lower() for line in lines) == ["host", "user-agent"]


def test_a_body_in_gzip_stays_as_it_is() -> None:
    packed = gzip.compress(b"bytes")
    told = answer(200, packed, {"Content-Encoding": "gzip"})

    with RawServer(lambda _: told) as server:
        got = ask(get(f"{server.url}/b/k"))

    assert (got.body, got.headers["content-encoding"]) == (packed, "gzip")


def test_the_answer_to_head_has_a_length_and_no_body() -> None:
    told = Message(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "e"\r\n\r\n')

    with RawServer(lambda _: told) as server:
        got = [ask(Request("HEAD", f"{server.url}/b/k", [], ROUTE)) for _ in range(2)]

    assert [(a.status, a.headers["content-length"], a.body) for a in got] == [
        (200, "1000", b"")
    ] * 2
    assert server.connections == 1


def test_a_redirect_is_told_and_not_followed(server: RawServer) -> None:
    elsewhere = answer(307, b"", {"Location": f"{server.url}/other"})

    with RawServer(lambda _: elsewhere) as first:
        got = ask(Request("PUT", f"{first.url}/b/k", [], ROUTE, b"bytes"))

    assert (got.status, server.requests) == (307, [])


def test_go_on_is_no_answer() -> None:
    told = answer(403, b"no", {"X-Own": "1"})

    with RawServer(
        lambda _: Message(b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\n" + told.head, told.body)
    ) as s:
        got = ask(Request("PUT", f"{s.url}/b/k", [], ROUTE, b"bytes"))

    assert (got.status, got.body, got.headers["x-own"], got.headers.get("x-a")) == (
        403,
        b"no",
        "1",
        None,
    )


@pytest.mark.parametrize(
    "told",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
        b"\x16\x03\x01 what?\r\n\r\n",
    ],
    ids=["short-body", "no-last-chunk", "torn-head", "nothing", "no-http"],
)
def test_an_answer_that_ends_early_is_broken(told: bytes) -> None:
    with RawServer(lambda _: told) as server:
        assert failure(get(f"{server.url}/b/k")) is Broken


def test_silence_is_broken_after_the_idle_time() -> None:
    with RawServer(lambda _: None) as server:
        assert failure(get(f"{server.url}/b/k", IMPATIENT)) is Broken


def test_silence_in_the_body_is_broken_too() -> None:
    half = Message(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", b"f")

    with RawServer(lambda _: half) as server:
        assert failure(get(f"{server.url}/b/k", IMPATIENT)) is Broken


def test_nobody_listening_is_unreachable() -> None:
    assert failure(get(f"http://127.0.0.1:{free_port()}/b/k")) is Unreachable


def test_an_error_names_the_endpoint_and_not_the_query(server: RawServer) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable) as told:
        ask(get(f"{url}/b/k?X-Amz-Signature=demo-signature"))

    assert str(told.value).startswith(f"{url}: ")
    assert "demo-signature" not in str(told.value)


def test_everything_under_way_is_aborted_within_a_second() -> None:
    with RawServer(lambda _: None) as server:
        wire = Wire()
        for number in range(60):
            wire.start(Request("PUT", f"{server.url}/b/{number}", [], ROUTE, b"x" * 9000), number)
        while len(server.requests) < 60:
            assert wire.poll(0.01) == []

        before = time.monotonic()
        wire.close()

        assert time.monotonic() - before < 1


def test_who_waits_is_woken_from_another_thread() -> None:
    wire = Wire()
    waker = threading.Thread(target=wire.wake)
    waker.start()

    assert wire.poll(60) == []

    waker.join()
    wire.close()


@pytest.mark.timeout(30)  # An answer that is overlooked is told after a minute.
def test_an_answer_that_is_there_at_once_is_told_at_once(rclone: Endpoint) -> None:
    wire = Wire()
    for number in range(1000):
        wire.start(Request("HEAD", f"{rclone.url}/b/{number}", [], ROUTE), number)
        while not (told := wire.poll(60)):
            pass
        assert [ticket for ticket, _ in told] == [number]
    wire.close()


def test_many_at_once_are_each_told_their_own(server: RawServer) -> None:
    server.reply = lambda request: answer(200, request.start[1].encode())
    wire = Wire()
    for number in range(200):
        wire.start(get(f"{server.url}/b/{number}"), number)
    told: dict[int, Answer | StoreError] = {}
    while wire.busy:
        told |= dict(wire.poll(5))
    wire.close()

    bodies = {ticket: got.body.decode() for ticket, got in told.items() if isinstance(got, Answer)}
    assert bodies == {number: f"/b/{number}" for number in range(200)}


def test_a_request_goes_out_from_the_address_that_is_asked_for(server: RawServer) -> None:
    route = Route(source_address="127.0.0.2")

    assert ask(get(f"{server.url}/b/k", route)).body == b"fine"

    assert server.peers == ["127.0.0.2"]
    assert failure(get(f"{server.url}/b/k", Route(source_address="192.0.2.1"))) is Unreachable


def test_the_address_of_a_url_may_be_ipv6() -> None:
    with RawServer(host="::1") as server:
        port = urlsplit(server.url).port
        assert server.url == f"http://[::1]:{port}"
        assert ask(get(f"{server.url}/b/k")).body == b"fine"


def test_the_size_of_an_object_larger_than_any_answer_can_be_asked() -> None:
    def huge(_request: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 5497558138880\r\n\r\n"

    with RawServer(huge) as server:
        told = ask(Request("HEAD", f"{server.url}/b/k", [], ROUTE, kind="HEAD"))
        assert told.headers["content-length"] == "5497558138880"
        assert failure(get(f"{server.url}/b/k")) is Broken


def test_a_server_that_hangs_up_afterwards_is_not_looked_at_for_ever() -> None:
    def once(_request: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    wire = Wire()
    with RawServer(once) as server:
        for number in range(3):
            wire.start(get(f"{server.url}/b/{number}"), number)
            ended: list[object] = []
            while not ended:
                ended += wire.poll(20)
            while wire._epoll.poll(0.05):  # For ever, if we did not look away.
                assert wire.poll(0.0) == []
    wire.close()
