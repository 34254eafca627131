"""Whom the wire trusts, and by which way it goes: authorities, names, proxies."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from bucketline.errors import Untrusted
from bucketline.stores.base import Request, Route
from contracts.test_wire import ROUTE, ask, failure, get
from faults.raw import RawServer, Tunnel
from processes import free_port


def context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[RawServer]:
    with RawServer(tls=context(authority, "127.0.0.1")) as server:
        yield server


def test_an_own_authority_is_trusted(secure: RawServer, ca_file: str) -> None:
    route = Route(ca_file=ca_file)

    for _ in range(3):
        assert ask(get(f"{secure.url}/b/../k", route)).body == b"fine"

    assert (secure.targets, secure.connections) == (["/b/../k"] * 3, 1)


def test_an_unknown_authority_is_not_trusted(secure: RawServer) -> None:
    assert failure(Request("PUT", f"{secure.url}/b/k", [], ROUTE, b"bytes")) is Untrusted
    assert secure.requests == []


def test_a_certificate_of_another_name_is_not_trusted(authority: trustme.CA, ca_file: str) -> None:
    with RawServer(tls=context(authority, "other.example")) as server:
        assert failure(get(f"{server.url}/b/k", Route(ca_file=ca_file))) is Untrusted


def test_a_missing_file_of_authorities_is_not_trusted(secure: RawServer, tmp_path: Path) -> None:
    route = Route(ca_file=str(tmp_path / "missing.pem"))

    assert failure(get(f"{secure.url}/b/k", route)) is Untrusted


def test_whoever_asks_for_it_is_not_protected(secure: RawServer) -> None:
    assert ask(get(f"{secure.url}/b/k", Route(verify_tls=False))).body == b"fine"


def test_trust_is_not_shared_between_routes(secure: RawServer, ca_file: str) -> None:
    assert ask(get(f"{secure.url}/b/k", Route(ca_file=ca_file))).body == b"fine"

    assert failure(get(f"{secure.url}/b/k")) is Untrusted


def test_http_goes_through_the_proxy_byte_for_byte() -> None:
    with RawServer() as proxy:
        route = Route(proxy=proxy.url)
        assert ask(get("http://bucket.nowhere.invalid/b/../a//%2F", route)).body == b"fine"

    assert proxy.targets == ["http://bucket.nowhere.invalid/b/../a//%2F"]


def test_https_goes_through_the_proxy_in_a_tunnel(secure: RawServer, ca_file: str) -> None:
    with Tunnel() as proxy:
        route = Route(ca_file=ca_file, proxy=proxy.url)
        assert ask(get(f"{secure.url}/b/k", route)).body == b"fine"
        assert proxy.targets == [f"CONNECT 127.0.0.1:{secure.port}"]


def test_no_proxy_is_respected() -> None:
    with RawServer() as server, RawServer() as proxy:
        route = Route(proxy=proxy.url, no_proxy="other.example,127.0.0.1")
        assert ask(get(f"{server.url}/b/k", route)).body == b"fine"

    assert (server.targets, proxy.targets) == (["/b/k"], [])


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_without_a_proxy_the_environment_says_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    with RawServer() as server:
        assert ask(get(f"{server.url}/b/k")).body == b"fine"


def test_a_proxy_without_a_no_proxy_ignores_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "*")

    with RawServer() as proxy:
        assert ask(get("http://nowhere.invalid/b", Route(proxy=proxy.url))).body == b"fine"
