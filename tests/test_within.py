"""Copies by the service itself, on real servers: no byte passes, and the proof is no weaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest

from bucketline.clock import SystemClock
from bucketline.errors import Unsupported
from bucketline.flow.drive import blocking, call
from bucketline.flow.move.copy import copy
from bucketline.flow.move.proof import Learnt, MovePolicy
from bucketline.model import Attributes, Copy, Fate, Outcome, Proof
from bucketline.settings import Keys, Secret
from bucketline.stores.beyond import is_one_service
from bucketline.stores.memory import MemoryStore
from bucketline.stores.s3 import S3Store
from faults.kinds import refuse
from faults.proxy import Exchange, FaultProxy
from servers import Endpoint

CLOCK = SystemClock()
MIB = 1 << 20
POLICY = MovePolicy(part_size=5 * MIB, is_within=True)
ATTRIBUTES = Attributes(headers={"content-type": "text/x-own"}, metadata={"color": "red"})


@dataclass
class Service:
    """Two buckets of one server behind a proxy that counts."""

    proxy: FaultProxy
    source: S3Store
    target: S3Store
    learnt: Learnt

    def put(self, key: str, body: bytes, part_size: int = 0) -> None:
        if not part_size:
            blocking(self.source.write(key, body, attributes=ATTRIBUTES))
            return
        upload = blocking(self.source.begin(key, len(body), attributes=ATTRIBUTES))
        etags = [
            blocking(
                self.source.part(key, upload, number, body[start : start + part_size], offset=start)
            ).etag
            for number, start in enumerate(range(0, len(body), part_size), 1)
        ]
        blocking(self.source.finish(key, upload, etags))

    def copy(self, key: str, **words: Any) -> Outcome:
        self.proxy.forget()
        entry = blocking(self.source.stat(key)).entry
        policy = replace(POLICY, learnt=self.learnt)
        action = Copy(entry, f"copy of {key}", **words)
        outcome, self.requests = call(copy(action, self.source, self.target, policy))
        return outcome

    def body(self, key: str) -> bytes:
        return blocking(self.target.read(f"copy of {key}")).body

    @property
    def left(self) -> int:
        """Uploads that are still there, if anybody can tell."""
        try:
            return len(blocking(self.target.list_uploads()))
        except Unsupported:
            return 0

    @property
    def streamed(self) -> int:
        """Bytes that were sent."""
        return self.proxy.bytes_sent("PUT")


@pytest.fixture
def service(request: pytest.FixtureRequest, s3_server: str) -> Iterator[Service]:
    endpoint: Endpoint = request.getfixturevalue(s3_server)
    name = uuid4().hex[:12]  # The canary of these tests is looked at on the same servers.
    with FaultProxy(endpoint.url) as proxy:
        remote = endpoint.remote(url=proxy.url)
        one, two = (S3Store(remote, f"{side}-{name}", clock=CLOCK) for side in ("from", "to"))
        for store in (one, two):
            blocking(store.create_bucket())
        yield Service(proxy, one, two, Learnt())


def only_on(request: pytest.FixtureRequest, *servers: str) -> None:
    """These can be told from each other by what they do."""
    if request.getfixturevalue("s3_server") not in servers:
        pytest.skip("another server is asked")


def test_a_small_object_is_copied_by_the_service_or_streamed(service: Service) -> None:
    service.put("small", b"hello" * 100)
    outcome = service.copy("small")
    assert outcome.fate is Fate.DONE
    assert outcome.proof.value >= Proof.ETAG.value
    assert service.body("small") == b"hello" * 100
    found = blocking(service.target.stat("copy of small")).attributes
    assert found.metadata["color"] == "red"
    assert found.headers["content-type"] == "text/x-own"
    assert outcome.target_etag == blocking(service.target.stat("copy of small")).entry.pin


@pytest.mark.parametrize("part_size", [5 * MIB, 6 * MIB, 8 * MIB])
def test_an_object_in_parts_keeps_its_etag(service: Service, part_size: int) -> None:
    body = bytes(range(256)) * (13 * 4096) + b"odd"
    service.put("parts", body, part_size)
    outcome = service.copy("parts")
    assert outcome.proof.value >= Proof.MD5_PARTS.value
    assert service.body("parts") == body
    assert service.left == 0


def test_an_object_of_one_part_keeps_its_etag(service: Service) -> None:
    service.put("one", b"hello", 8 * MIB)
    assert service.copy("one").fate is Fate.DONE
    assert service.body("one") == b"hello"
    assert service.left == 0


def test_an_empty_object_is_copied(service: Service) -> None:
    service.put("empty", b"")
    assert service.copy("empty").fate is Fate.DONE
    assert service.body("empty") == b""


def test_no_byte_passes_where_the_service_can(
    service: Service, request: pytest.FixtureRequest
) -> None:
    only_on(request, "ministack", "moto", "radosgw")
    body = bytes(range(256)) * (13 * 4096)
    service.put("parts", body, 8 * MIB)
    service.put("whole", body[: 6 * MIB])
    for key, proof in (("parts", Proof.MD5_PARTS), ("whole", Proof.ETAG)):
        assert service.copy(key).proof is proof
        assert service.streamed == 0
        assert service.requests["POST"]
    source = blocking(service.source.stat("parts")).entry
    assert blocking(service.target.stat("copy of parts")).entry.etag == source.etag


def test_a_service_that_refuses_is_not_asked_again(service: Service) -> None:
    service.put("a", b"hello")
    service.put("b", b"hello")
    service.proxy.add(refuse(403, "AccessDenied"), method="PUT", path="copy%20of%20a", nth=1)
    assert service.copy("a").fate is Fate.DONE
    assert service.streamed == 5
    assert service.copy("b").fate is Fate.DONE
    assert service.requests["POST"] == 0


def test_what_stands_there_is_risked_only_where_copies_are_known_to_work(
    service: Service, request: pytest.FixtureRequest
) -> None:
    only_on(request, "ministack", "moto", "radosgw")
    for key in ("a", "b"):
        service.put(key, b"hello")
    there = blocking(service.source.stat("a")).entry
    service.copy("a", replaces=there)
    assert service.requests["POST"] == 0
    service.copy("b")
    assert service.requests["POST"] == 1
    service.copy("a", replaces=there)
    assert service.requests["POST"] == 1


def test_tags_go_along_as_they_would_in_a_stream(service: Service) -> None:
    service.put("tagged", b"hello")
    if not service.source.able.tags:
        pytest.skip("keeps no tags")
    try:
        blocking(service.source.set_tags("tagged", {"color": "blue"}))
        kept = blocking(service.source.tags("tagged"))
    except Exception:
        pytest.skip("keeps no tags")
    if blocking(service.source.read("tagged")).body != b"hello":
        pytest.skip("takes tags for the object")
    service.copy("tagged")
    assert blocking(service.target.tags("copy of tagged")) == kept == {"color": "blue"}


def test_a_source_that_changes_meanwhile_is_never_taken_for_the_one_that_was(
    service: Service,
) -> None:
    service.put("changing", b"before")
    writer = S3Store(service.source.remote, service.source.bucket, clock=CLOCK)

    def change(exchange: Exchange) -> None:
        told = exchange.forward()
        blocking(writer.write("changing", b"behind"))
        exchange.send(told)

    entry = blocking(service.source.stat("changing")).entry
    service.proxy.add(change, method="HEAD", path="/changing$", nth=1, times=1)
    policy = replace(POLICY, learnt=service.learnt)
    outcome = blocking(
        copy(Copy(entry, "copy of changing"), service.source, service.target, policy)
    )
    assert service.body("changing") == b"behind"
    assert outcome.source_etag == blocking(service.source.stat("changing")).entry.etag


def test_services_are_one_by_their_endpoints_and_identity(rclone: Endpoint) -> None:
    remote = rclone.remote()
    one = S3Store(remote, "one", clock=CLOCK)
    stranger = replace(remote, keys=Keys("another", Secret("another")))
    elsewhere = replace(remote, endpoints=("http://127.0.0.1:9",))
    assert is_one_service(one, S3Store(replace(remote, name="x"), "two", clock=CLOCK))
    assert not is_one_service(one, S3Store(stranger, "two", clock=CLOCK))
    assert not is_one_service(one, S3Store(elsewhere, "two", clock=CLOCK))
    assert not is_one_service(one, MemoryStore())
