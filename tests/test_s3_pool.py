"""Several endpoints of one bucket: which one an exchange goes to, and what follows a fault."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Away, Broken, Busy, Conflict, ServerFault, Unreachable, Untrusted
from bucketline.stores.base import Answer, Flow, Pause, Request
from bucketline.stores.s3.client import Call
from s3_by_hand import START, answer, refused, store

A, B, C = "http://a:1", "http://b:1", "http://c:1"
OK = answer(body=b"x", content_length="1", etag='"e"')
MADE = answer(etag='"9dd4e461268c8034f5c8564e155c67a6"')  # The MD5 of b"x".


class World:
    """Servers by name, each of which may be down; time moves only by pauses."""

    def __init__(self, *urls: str, **remote: Any) -> None:
        self.clock = FakeClock(START)
        self.store = store(endpoints=urls, clock=self.clock, **remote)
        self.down: dict[str, Exception | Answer] = {}
        self.asked: list[tuple[str, str]] = []

    def run(self, flow: Flow[Any], *, seconds_max: float = 3600.0) -> Any:
        """The flow's value; its pauses let time pass."""
        until, result, error = self.clock.now() + seconds_max, None, None
        while True:
            assert self.clock.now() < until, "it waits for ever"
            try:
                effect = flow.throw(error) if error else flow.send(result)
            except StopIteration as stop:
                return stop.value
            result = error = None
            if isinstance(effect, Pause):
                self.clock.sleep(effect.seconds)
                self.passed()
                continue
            assert isinstance(effect, Request)
            told = self.told(effect)
            result, error = (None, told) if isinstance(told, Exception) else (told, None)

    def passed(self) -> None:
        """Time has passed."""

    def told(self, request: Request) -> Answer | Exception:
        self.clock.sleep(0.01)
        url = "://".join(urlsplit(request.url)[:2])
        self.asked.append((request.method, url))
        usual = {"GET": OK, "HEAD": OK, "PUT": MADE, "DELETE": answer(204)}[request.method]
        return self.down.get(url, usual)

    def share(self) -> Counter[str]:
        return Counter(url for _, url in self.asked)


def test_equals_take_turns() -> None:
    world = World(A, B, C)

    for _ in range(30):
        world.run(world.store.read("k"))

    assert world.share() == {A: 10, B: 10, C: 10}


def test_a_dead_one_is_left_at_once_and_soon_not_asked_any_more() -> None:
    world = World(A, B, C)
    world.down[A] = Unreachable("away")

    for _ in range(300):
        world.run(world.store.read("k"))

    assert world.share()[A] == 5
    assert [one.times_opened for one in world.store.pool.counts()] == [1, 0, 0]


def test_one_that_is_back_is_found_by_a_single_exchange() -> None:
    world = World(A, B)
    world.down[A] = Unreachable("away")
    for _ in range(20):
        world.run(world.store.read("k"))
    for _ in range(3):
        world.clock.sleep(400)
        world.run(world.store.read("k"))
    assert world.share()[A] == 5 + 3

    del world.down[A]
    world.clock.sleep(400)
    world.asked.clear()
    for _ in range(10):
        world.run(world.store.read("k"))

    assert world.share() == {A: 5, B: 5}


def test_a_certificate_that_is_not_trusted_takes_one_out_at_once() -> None:
    world = World(A, B)
    world.down[A] = Untrusted("expired")

    for _ in range(20):
        world.run(world.store.read("k"))

    assert world.share()[A] == 1


def test_server_faults_take_one_out() -> None:
    world = World(A, B)
    world.down[A] = refused(500, "InternalError")
    faults = 0
    while not world.store.pool.counts()[0].times_opened:
        world.clock.sleep(1)
        try:
            world.run(world.store.read("k"))
        except ServerFault:
            faults += 1
    assert (faults, world.share()[A]) == (4, 5)  # The fifth opened it, and went to the other one.
    assert world.share()[B] > 2 * world.share()[A]


@pytest.mark.parametrize("told", [refused(500, "InternalError"), answer(502)])
def test_who_tries_again_after_a_fault_goes_elsewhere(told: Answer) -> None:
    world = World(A, B)
    world.down[A] = told
    for _ in range(6):
        with suppress(ServerFault):
            world.run(world.store.read("k"))
    assert world.share() == {A: 1, B: 5}


def test_one_that_failed_and_works_is_used_again() -> None:
    world = World(A, B)
    world.down[A] = refused(500, "InternalError")
    with suppress(ServerFault):
        world.run(world.store.read("k"))
    world.down.clear()
    world.asked.clear()
    for _ in range(40):
        world.run(world.store.read("k"))
        world.clock.sleep(0.5)

    assert world.share()[A] > 5


@pytest.mark.parametrize("told", [404, 403, 412, 416, 501, 507])
def test_what_is_said_of_objects_is_no_fault(told: int) -> None:
    world = World(A, B)
    world.down[A] = answer(told)

    for _ in range(50):
        world.run(world.store._client.exchange(Call("GET", "k", "GET")))

    counts = world.store.pool.counts()
    assert [one.faults for one in counts] == [0, 0]
    assert 20 <= counts[0].requests <= 30


def test_slow_down_is_load_and_makes_it_less_liked() -> None:
    world = World(A, B)
    world.down[A] = refused(503, "SlowDown")
    busy = 0
    for _ in range(60):
        try:
            world.run(world.store.read("k"))
        except Busy:
            busy += 1

    first, second = world.store.pool.counts()
    assert (first.faults, first.times_opened, first.requests) == (0, 0, busy)
    assert 0 < busy < 5 < second.requests


def test_a_condition_is_not_made_twice_behind_the_back_of_who_made_it() -> None:
    world = World(A)
    world.run(world.store.stat("k"))
    world = World(A, B)
    world.store._client.learn(conditional_write=True)
    world.down[A] = world.down[B] = Broken("in mid-air")

    with pytest.raises(Broken):
        world.run(world.store.write("k", b"x", if_absent=True))
    assert len(world.asked) == 1

    world.down = {A: Unreachable("away"), B: refused(412, "PreconditionFailed")}
    for _ in range(2):
        with pytest.raises(Conflict):
            world.run(world.store.write("k", b"x", if_absent=True))


def test_parts_of_one_upload_and_pages_of_one_listing_go_on_elsewhere() -> None:
    world = World(A, B)
    world.down[A] = Broken("in mid-air")

    for number in range(1, 9):
        world.run(world.store.part("k", "u", number, b"x", offset=0))

    assert world.share()[B] == 8


def test_all_down_and_none_ever_answered_is_an_error_at_once() -> None:
    world = World(A, B)
    world.store.pool.is_patient = lambda: True
    world.down = {A: Unreachable("away"), B: Unreachable("away too")}

    for _ in range(20):
        with pytest.raises(Unreachable):
            world.run(world.store.read("k"))

    assert world.clock.now() == pytest.approx(START + 20 * 2 * 0.01)


class Outage(World):
    """All are down for so long."""

    def __init__(self, *urls: str, seconds: float, **remote: Any) -> None:
        super().__init__(*urls, **remote)
        self.store.pool.is_patient = lambda: True
        self.run(self.store.read("k"))
        self.down = dict.fromkeys(urls, Unreachable("away"))
        for _ in range(5):
            for url in urls:
                self.down_once(url)
        self.until = self.clock.now() + seconds
        self.asked.clear()

    def down_once(self, url: str) -> None:
        pool = self.store.pool
        one = next(one for one in pool.addresses if one.url == url)
        pool.failed(pool.at(one, 0), Unreachable("away"))

    def passed(self) -> None:
        if self.clock.now() >= self.until:
            self.down.clear()


@pytest.mark.parametrize("urls", [(A,), (A, B, C)], ids=["one", "three"])
def test_an_outage_of_hours_is_waited_out(urls: tuple[str, ...]) -> None:
    world = Outage(*urls, seconds=3 * 3600)
    assert world.store.pool.is_down

    world.run(world.store.read("k"), seconds_max=5 * 3600)

    assert world.store.pool.outage() is None
    assert {method for method, _ in world.asked[:-1]} == {"HEAD"}
    assert len(world.asked) < 60 * len(urls)
    assert world.clock.now() - world.until < 310


def test_who_waits_ends_when_there_is_no_wish_to_wait() -> None:
    world = Outage(A, seconds=3600)
    world.store.pool.is_patient = lambda: world.clock.now() < START + 100

    with pytest.raises(Away, match="away"):
        world.run(world.store.read("k"))

    assert world.clock.now() < START + 103


def test_an_object_that_always_breaks_is_not_taken_for_an_outage() -> None:
    world = Outage(A, seconds=0)
    world.run(world.store.read("k"))
    world.down = {}
    broken = 0
    for _ in range(30):  # As `Retrying` would.
        flow = world.store.read("k")
        try:
            effect = flow.send(None)
            while True:
                if isinstance(effect, Pause):
                    world.clock.sleep(effect.seconds)
                    effect = flow.send(None)
                elif isinstance(effect, Request) and effect.method == "HEAD":
                    effect = flow.send(OK)
                else:
                    effect = flow.throw(Broken("always"))
        except Broken:
            broken += 1

    assert broken == 30


def test_without_patience_everything_is_tried_and_told() -> None:
    world = World(A)
    world.run(world.store.read("k"))
    world.down[A] = Unreachable("away")

    for _ in range(20):
        with pytest.raises(Unreachable):
            world.run(world.store.read("k"))
    assert len(world.asked) == 21

    world.down.clear()
    world.run(world.store.read("k"))
    assert world.store.pool.outage() is None
