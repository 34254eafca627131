"""The fault proxy does what its plan says, and its counts are true."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from faults import kinds
from faults.http import Message, answer
from faults.proxy import Fault, FaultProxy
from faults.raw import RawServer

PAGE = (
    b"<ListBucketResult><IsTruncated>true</IsTruncated>"
    b"<Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>"
    b"<NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
)
BODY = bytes(range(256)) * 8


def store(request: Message) -> Message:
    """A server that answers with what it was sent, or with a page, and an ETag."""
    etag = {"ETag": '"00000000000000000000000000000000"'}
    if "list-type" in request.start[1]:
        return answer(200, PAGE)
    return answer(200, request.body or BODY, etag)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(store) as raw:
        yield raw


@pytest.fixture
def proxy(server: RawServer) -> Iterator[FaultProxy]:
    with FaultProxy(server.url) as between:
        yield between


def ask(proxy: FaultProxy, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body, as a client that knows no mercy sees them."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    try:
        connection.request(method, target, body=body)
        told = connection.getresponse()
        return told.status, told.read()
    finally:
        connection.close()


def test_without_rules_everything_passes_and_is_counted(
    proxy: FaultProxy, server: RawServer
) -> None:
    assert ask(proxy, "PUT", "/b/k%2Fey?partNumber=2&x", b"12345") == (200, b"12345")
    assert ask(proxy, "GET", "/b/../%7e//") == (200, BODY)

    assert server.targets == ["/b/k%2Fey?partNumber=2&x", "/b/../%7e//"]
    put, got = proxy.log
    assert (put.key, put.is_part, put.request_bytes, put.status) == ("k/ey", True, 5, 200)
    assert (got.key, got.answer_bytes, got.is_delivered) == ("../~//", len(BODY), True)
    assert proxy.bytes_sent() == 5


def test_a_connection_carries_many_requests(proxy: FaultProxy, server: RawServer) -> None:
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    for number in range(5):
        connection.request("PUT", f"/b/{number}", body=b"x" * number)
        assert len(connection.getresponse().read()) == (number or len(BODY))
    connection.close()

    assert server.connections == 1


def test_a_rule_strikes_the_nth_match_alone(proxy: FaultProxy) -> None:
    proxy.add(kinds.fail, method="PUT", path="/k$", nth=2)

    statuses = [ask(proxy, "PUT", "/b/k", b"1")[0] for _ in range(3)]
    other = ask(proxy, "GET", "/b/k")[0]

    assert (statuses, other) == ([200, 500, 200], 200)
    assert [seen.fault for seen in proxy.seen("PUT")] == ["", "fail", ""]


def test_a_rule_strikes_every_so_manieth_and_so_often_at_most(proxy: FaultProxy) -> None:
    proxy.add(kinds.slow_down(), every=2, times=2)

    statuses = [ask(proxy, "GET", "/b/k")[0] for _ in range(7)]

    assert statuses == [200, 503, 200, 503, 200, 200, 200]


def test_a_rule_strikes_each_key_so_often_at_most(proxy: FaultProxy) -> None:
    proxy.add(kinds.fail, times_a_key=1)

    statuses = [ask(proxy, "GET", path)[0] for path in ("/b/k", "/b/k", "/b/l", "/b/l")]

    assert statuses == [500, 200, 500, 200]


@pytest.mark.parametrize(
    ("fault", "is_done"), [(kinds.reset_before_headers, False), (kinds.lose_answer, True)]
)
def test_a_reset_comes_before_or_after_the_deed(
    proxy: FaultProxy, server: RawServer, fault: Fault, is_done: bool
) -> None:
    proxy.add(fault)

    with pytest.raises(ConnectionResetError):
        ask(proxy, "PUT", "/b/k", b"12345")

    assert len(server.requests) == int(is_done)
    assert (proxy.log[0].status == 200, proxy.log[0].is_delivered) == (is_done, False)


def test_a_reset_in_the_body_breaks_the_connection(proxy: FaultProxy) -> None:
    proxy.add(kinds.reset_in_body)

    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        ask(proxy, "GET", "/b/k")


def test_an_early_end_brings_half_under_the_whole_length(proxy: FaultProxy) -> None:
    proxy.add(kinds.end_early)

    with pytest.raises(http.client.IncompleteRead) as broken:
        ask(proxy, "GET", "/b/k")

    assert (len(broken.value.partial), broken.value.expected) == (1024, 1024)


def test_a_stall_lasts_until_it_is_released(proxy: FaultProxy, server: RawServer) -> None:
    proxy.add(kinds.stall)
    ends: list[int] = []
    client = threading.Thread(target=lambda: ends.append(ask(proxy, "GET", "/b/k")[0]))
    client.start()
    while not proxy.seen("GET"):
        pass

    before = (list(ends), len(server.requests))
    while not ends:
        proxy.release()
    client.join()

    assert (before, ends) == (([], 0), [200])


def test_one_bit_is_flipped_on_the_way_there(proxy: FaultProxy, server: RawServer) -> None:
    proxy.add(kinds.flip_request)

    ask(proxy, "PUT", "/b/k", b"aaa")

    assert server.requests[0].body == b"a`a"


def test_one_bit_is_flipped_on_the_way_back(proxy: FaultProxy) -> None:
    proxy.add(kinds.flip_answer, method="PUT")

    assert ask(proxy, "PUT", "/b/k", b"aaa") == (200, b"a`a")


@pytest.mark.parametrize(
    ("fault", "page"),
    [
        (kinds.listing_that_claims_to_be_whole, PAGE.replace(b"true", b"false")),
        (
            kinds.listing_without_is_truncated,
            PAGE.replace(b"<IsTruncated>true</IsTruncated>", b"").replace(
                b"<NextContinuationToken>t</NextContinuationToken>", b""
            ),
        ),
        (kinds.listing_cut_in_the_middle, PAGE[: len(PAGE) // 2]),
        (
            kinds.listing_backwards,
            PAGE.replace(b">a<", b">?<").replace(b">b<", b">a<").replace(b">?<", b">b<"),
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_listing_is_damaged(proxy: FaultProxy, fault: Fault, page: bytes) -> None:
    proxy.add(fault, method="GET", path="list-type=2")

    assert ask(proxy, "GET", "/b?list-type=2") == (200, page)


def test_an_error_hides_in_a_200(proxy: FaultProxy, server: RawServer) -> None:
    proxy.add(kinds.fail_in_200, method="POST")

    status, body = ask(proxy, "POST", "/b/k?uploadId=1", b"<x/>")

    assert (status, b"<Code>InternalError</Code>" in body, server.requests) == (200, True, [])


def test_an_etag_is_wrong(proxy: FaultProxy) -> None:
    proxy.add(kinds.wrong_etag)
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    connection.request("PUT", "/b/k", body=b"1")
    told = connection.getresponse()
    told.read()
    connection.close()

    assert told.headers["ETag"] == '"0123456789abcdef0123456789abcdef"'


def test_who_goes_away_in_mid_body_is_counted_with_what_arrived(proxy: FaultProxy) -> None:
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    connection.putrequest("PUT", "/b/k")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"123")
    connection.close()
    while not proxy.seen("PUT"):
        pass

    assert (proxy.log[0].request_bytes, proxy.log[0].status) == (3, 0)


class _Slow(socket.socket):
    """A listener whose last caller has come in, but is handed on when the gate opens."""

    def __init__(self, plain: socket.socket) -> None:
        super().__init__(fileno=plain.detach())
        self.has_come, self.gate = threading.Event(), threading.Event()

    def accept(self) -> tuple[socket.socket, object]:
        accepted = super().accept()
        self.has_come.set()
        self.gate.wait()
        return accepted


def test_who_came_in_just_before_it_went_away_is_cut_too(server: RawServer) -> None:
    proxy = FaultProxy(server.url)
    slow = proxy._listener = _Slow(proxy._listener)
    with proxy, socket.create_connection(slow.getsockname(), timeout=10) as client:
        slow.has_come.wait()
        proxy.go_away()
        slow.gate.set()

        assert not client.recv(1)


def test_while_it_is_away_nobody_else_gets_its_place(proxy: FaultProxy) -> None:
    proxy.go_away()
    where = urlsplit(proxy.url).hostname, urlsplit(proxy.url).port
    with socket.socket() as client:
        assert client.connect_ex(where)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(where)
    proxy.come_back()

    assert ask(proxy, "GET", "/b/k")[0] == 200


def test_healed_it_passes_everything(proxy: FaultProxy) -> None:
    proxy.add(kinds.fail)
    proxy.heal()

    assert ask(proxy, "GET", "/b/k")[0] == 200
