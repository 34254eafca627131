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


def test_what_was_a_blip_is_made_good_within_seconds() -> None:
    crowd = Crowd(100)
    for under_way in (60, 20, 3, 0):  # Fewer and fewer, as they end; the new ones are dropped.
        crowd.drop(0.0)
        crowd.answered(under_way, 0.0)

    assert (crowd.is_full(1, 1.9), crowd.most) == (True, 1)
    for second in range(2, 16, 2):
        crowd.is_full(crowd.most, float(second))
    assert (crowd.most, crowd.is_narrow) == (100, False)
    crowd.drop(500.0)
    crowd.answered(0, 500.0)  # The next one, minutes later, is made good as quickly.
    assert (crowd.is_full(1, 501.9), crowd.is_full(1, 502.0)) == (True, False)


def test_where_there_is_no_room_for_more_it_is_tried_less_and_less_often() -> None:
    crowd, tried = Crowd(100), []
    for second in range(600):
        if not crowd.is_full(6, float(second)) and (second == 0 or crowd.most > 6):
            tried.append(second)
            crowd.drop(float(second))
            crowd.answered(5, float(second))

    assert tried == [0, 2, 10, 42, 102, 162, 222, 282, 342, 402, 462, 522, 582]


def test_one_that_was_away_takes_as_many_as_ever_when_it_is_back() -> None:
    pool, clock = pool_of()
    pool.is_patient = lambda: True
    turns = begun(pool, 30)
    for turn in turns[:20]:
        pool.failed(turn, DROPPED)
    for turn in turns[20:]:
        pool.answered(turn, FINE, 0)
    assert pool.first.crowd.is_narrow
    for turn in begun(pool, 10):
        pool.failed(turn, DROPPED)
    assert pool.is_down

    clock.sleep(10)
    pool.answered(pool.at(pool.first, 0), FINE, 0)

    assert (pool.is_down, pool.first.crowd.is_narrow) == (False, False)


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
