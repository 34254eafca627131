"""How many exchanges an address takes is learnt from connections that it drops, and never wrongly
from one that is away.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from bucketline.clock import FakeClock
from bucketline.errors import Unreachable
from bucketline.model import NOTHING
from bucketline.settings import Remote
from bucketline.stores.base import Answer
from bucketline.stores.s3.address import Turn
from bucketline.stores.s3.crowd import Crowd
from bucketline.stores.s3.pool import Pool

FINE = Answer(200, NOTHING, b"")
DROPPED = Unreachable("reset by peer")


def pool_of(urls: tuple[str, ...] = ("http://one.example",)) -> tuple[Pool, FakeClock]:
    clock = FakeClock()
    return Pool(Remote(endpoints=urls, connections=100), "b", clock), clock


def begun(pool: Pool, count: int) -> list[Turn]:
    turns = [pool.turn(0) for _ in range(count)]
    assert None not in turns
    return [turn for turn in turns if turn is not None]


def test_what_works_beside_drops_tells_how_many_it_takes() -> None:
    pool, _ = pool_of()
    turns = begun(pool, 20)

    for turn in turns[6:]:
        assert pool.failed(turn, DROPPED)
    assert pool.turn(0) is None  # It is not known yet: nothing more is tried.
    pool.answered(turns[0], FINE, 0)

    assert pool.first.crowd.most == 6
    begun(pool, 1)
    assert pool.turn(0) is None
    assert (pool.first.faults, pool.is_down) == (0, False)


def test_one_of_which_nothing_works_is_away() -> None:
    pool, clock = pool_of()

    for turn in begun(pool, 40):
        assert pool.failed(turn, DROPPED)

    assert pool.is_down
    assert (pool.first.faults, pool.first.crowd.most) == (40, 100)
    assert pool.first.breaker.times_opened == 1
    assert pool.first.breaker.due - clock.monotonic() < 10  # It is asked again soon.


def test_what_hangs_beside_drops_explains_them_for_seconds_only() -> None:
    pool, clock = pool_of()
    hanging, *dropped = begun(pool, 8)
    for turn in dropped:
        pool.failed(turn, DROPPED)
    at_once = pool.is_down

    clock.sleep(5)
    pool.turn(0)

    assert (at_once, pool.is_down) == (False, True)
    assert pool.first.crowd.most == 100
    pool.answered(hanging, FINE, 0)


def test_another_address_is_used_meanwhile() -> None:
    pool, _ = pool_of(("http://one.example", "http://two.example"))
    turns = begun(pool, 8)
    at_one = [turn for turn in turns if turn.address is pool.first]
    for turn in at_one[1:]:
        pool.failed(turn, DROPPED)

    assert {turn.address for turn in begun(pool, 20)} == {pool.addresses[1]}


def test_room_for_more_is_tried_after_a_while() -> None:
    crowd = Crowd(100)
    crowd.drop(0.0)
    crowd.answered(15, 0.0)

    assert (crowd.is_full(16, 59.0), crowd.most) == (True, 16)
    assert (crowd.is_full(16, 60.0), crowd.most) == (False, 18)
    assert (crowd.is_full(18, 61.0), crowd.most) == (True, 18)


@given(room=some.integers(1, 40), width=some.integers(1, 99), rounds=some.integers(1, 5))
def test_it_never_gets_narrower_than_there_is_room(room: int, width: int, rounds: int) -> None:
    pool, _ = pool_of()
    for _ in range(rounds):
        turns: list[Turn] = []
        while len(turns) < width and (turn := pool.turn(0)) is not None:
            turns.append(turn)
        for turn in turns[room:]:
            pool.failed(turn, DROPPED)
        for turn in turns[:room]:
            pool.answered(turn, FINE, 0)

    crowd = pool.first.crowd
    assert crowd.most == (room if width > room else 100)
    assert not pool.first.faults
