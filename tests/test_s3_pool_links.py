"""Pools under load: the real drive and the real store, over links that a test makes bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Broken, StoreError, Unreachable
from bucketline.flow.drive import Drive
from bucketline.flow.workers import Inline
from bucketline.stores.base import Answer, Request
from bucketline.stores.s3.crowd import Crowd
from bucketline.stores.wrap import Retrying
from links import Link, Links
from s3_by_hand import START, answer, refused, store

A, B, C = "http://a:1", "http://b:1", "http://c:1"
GOOD = Link(0.8)
REFUSES = Link(0.001, Unreachable("refused"))
HOLE = Link(10.0, Unreachable("timed out"))  # Nothing comes back, not even that nobody is there.
STALLS = Link(60.0, Broken("nothing came for a minute"))
_ETAG = '"9dd4e461268c8034f5c8564e155c67a6"'


def fine(request: Request) -> Answer:
    return answer(etag=_ETAG) if request.method == "PUT" else answer(body=b"x", content_length="1")


class Load:
    """So many flows at once, for so long."""

    def __init__(self, **weather: list[tuple[float, Link]]) -> None:
        self.clock = FakeClock(START)
        urls = {"a": A, "b": B, "c": C}
        times = {urls[name]: [(START + at, link) for at, link in w] for name, w in weather.items()}
        self.links = Links(self.clock, fine, times)
        self.drive = Drive(self.links, Inline(lambda: None), self.clock)
        self.inner = store(endpoints=tuple(times), clock=self.clock)
        self.inner.pool.is_patient = lambda: True
        self.store = Retrying(self.inner, chance=Random(2).random)
        self.failed: list[Exception] = []
        self.done = 0

    def run(self, seconds: float, *, width: int = 8, body: bytes = b"x") -> None:
        """Writes, one after the other in each of `width` places, then all that is left."""
        until, numbers = START + seconds, iter(range(10**9))

        def begin() -> Iterator[None]:
            while self.drive.busy < width and self.clock.now() < until:
                self.drive.start(self.store.write(f"k{next(numbers)}", body), None)
                yield

        list(begin())
        while self.drive.busy:
            for ended in self.drive.step(0.5):
                self.done += ended.error is None
                self.failed += [ended.error] if ended.error else []
            list(begin())
        assert self.clock.now() < until + 3600

    def share(self, url: str, since: float, until: float) -> float:
        """Of the requests of so many seconds."""
        all_of_them = self.links.share(START + since, START + until)
        return all_of_them[url] / all_of_them.total()


@pytest.mark.parametrize("death", [REFUSES, HOLE, STALLS], ids=["refuses", "hole", "stalls"])
def test_one_of_three_dies_comes_back_and_another_turns_slow(death: Link) -> None:
    load = Load(
        a=[(0, GOOD), (10, death), (150, GOOD)], b=[(0, GOOD)], c=[(0, GOOD), (400, Link(16.0))]
    )

    load.run(600)

    assert load.failed == []
    assert load.share(A, 0, 10) == pytest.approx(1 / 3, abs=0.05)
    assert load.share(A, 10 + death.seconds + 10, 150) < 0.01
    assert load.share(A, 300, 400) > 0.3
    assert load.share(C, 450, 600) < 0.1


def test_one_that_is_dead_from_the_beginning_costs_next_to_nothing() -> None:
    load = Load(a=[(0, REFUSES)], b=[(0, GOOD)])

    load.run(60)

    assert (load.failed, load.share(A, 0, 60) < 0.05) == ([], True)


def test_many_places_make_no_difference_to_how_often_a_dead_one_is_asked() -> None:
    load = Load(a=[(0, GOOD), (5, REFUSES)], b=[(0, GOOD)])

    load.run(20, width=100)

    assert (load.failed, load.share(A, 10, 20) < 0.01) == ([], True)


@pytest.mark.parametrize(
    "error",
    [Unreachable("refused"), Unreachable("timed out"), Broken("stalled")],
    ids=["refused", "timeout", "stalled"],
)
@pytest.mark.parametrize("urls", ["a", "abc"])
def test_when_all_are_down_everything_waits_and_goes_on(urls: str, error: StoreError) -> None:
    seconds = 0.001 if "refused" in str(error) else 10.0
    bad = Link(seconds, error)
    weather: list[tuple[float, Link]] = [(0, GOOD), (10, bad), (900, GOOD)]
    load = Load(**dict.fromkeys(urls, weather))

    load.run(20, width=64)

    assert load.failed == []
    assert load.links.share(START + 300, START + 900).total() < 30 * len(urls)
    assert load.clock.now() < START + 900 + 310


def test_a_service_that_answers_with_faults_alone_is_waited_for_as_well() -> None:
    bad = Link(0.01, reply=lambda _: refused(500, "InternalError"))
    load = Load(a=[(0, GOOD), (10, bad), (1000, GOOD)])

    load.run(20)

    assert load.failed == []


def test_an_object_over_which_the_server_always_fails_does_not_stop_the_others() -> None:
    def poisoned(request: Request) -> Answer:
        is_it = request.url.endswith("k7")
        return refused(500, "InternalError") if is_it else fine(request)

    load = Load(a=[(0, Link(0.02, reply=poisoned))])

    load.run(5, width=8)

    assert [type(error).__name__ for error in load.failed] == ["ServerFault"]
    assert load.done > 500


@pytest.mark.parametrize("urls", ["a", "abc"])
def test_many_objects_over_which_servers_always_fail_are_no_outage(urls: str) -> None:
    def poisoned(request: Request) -> Answer:
        number = int(request.url.rpartition("k")[2] or 0) if request.method == "PUT" else 0
        return refused(500, "InternalError") if number >= 100 else fine(request)

    weather = [(0.0, Link(0.1, reply=poisoned))]
    load = Load(**dict.fromkeys(urls, weather))

    load.run(40)

    assert {type(error).__name__ for error in load.failed} == {"ServerFault"}
    assert len(load.failed) > 20
    assert load.done == 100
    assert load.clock.now() < START + 90
    assert load.inner.pool.outage() is None


def test_one_half_of_whose_answers_are_faults_is_left() -> None:
    dice = Random(3)

    def flaky(request: Request) -> Answer:
        return refused(502, "BadGateway") if dice.random() < 0.6 else fine(request)

    load = Load(a=[(0, Link(0.8, reply=flaky))], b=[(0, GOOD)])

    load.run(600)

    assert load.failed == []
    assert load.share(A, 100, 600) < 0.1


def test_a_slow_one_gets_less_and_is_not_forgotten() -> None:
    load = Load(a=[(0, Link(8.0)), (200, GOOD)], b=[(0, GOOD)])

    load.run(400)

    assert load.share(A, 20, 200) < 0.1
    assert load.share(A, 300, 400) > 0.4


def test_one_that_asks_for_less_gets_less() -> None:
    dice = Random(4)

    def busy(request: Request) -> Answer:
        return refused(503, "SlowDown") if dice.random() < 0.5 else fine(request)

    load = Load(a=[(0, Link(0.8, reply=busy))], b=[(0, GOOD)])

    load.run(60)

    counts = load.inner.pool.counts()
    assert (load.failed, counts[0].times_opened) == ([], 0)
    assert load.share(A, 5, 60) < 0.3


@pytest.mark.parametrize("cap", [1, 7])
def test_no_endpoint_gets_more_connections_than_it_may(cap: int) -> None:
    load = Load(a=[(0, GOOD)], b=[(0, GOOD)])
    most, pool = [0], load.inner.pool
    for address in pool.addresses:
        address.crowd = Crowd(cap)
    start: Callable[..., None] = load.links.start

    def counted(request: Request, ticket: object) -> None:
        start(request, ticket)
        most.append(max(one.under_way for one in pool.addresses))

    load.links.start = counted  # type: ignore[method-assign]
    load.run(10, width=40)

    assert (max(most), load.failed) == (cap, [])
    assert load.done > 10 / 0.8 * cap  # Each is used well.
