"""The breaker of an endpoint, as pure code under a clock that stands where a test puts it."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bucketline.stores.s3.breaker import Breaker, Phase

_STEPS = st.lists(
    st.tuples(st.sampled_from(["success", "fault", "probe", "late"]), st.floats(0, 400)),
    max_size=200,
)


def breaker(chance: float = 0.0) -> Breaker:
    return Breaker(lambda: chance)


def opened(one: Breaker, now: float = 0.0) -> Breaker:
    while one.is_closed:
        one.fault(one.epoch, now)
    return one


def test_five_faults_in_a_row_open_it() -> None:
    one = breaker()

    ends = [one.fault(0, 0.0) for _ in range(5)]

    assert (ends, one.phase, one.due) == ([False] * 4 + [True], Phase.OPEN, 5.0)


def test_faults_with_successes_between_open_it_when_they_are_ten_of_the_last_twenty() -> None:
    one = breaker()
    count = 0
    while one.is_closed:
        one.success(one.epoch, 0.0)
        one.fault(one.epoch, 0.0)
        count += 1

    assert count == 10


def test_nine_faults_of_twenty_for_ever_do_not_open_it() -> None:
    one = breaker()
    for _ in range(50):
        for is_fault in [True] * 4 + [False] * 2 + [True] * 4 + [False] + [True] + [False] * 8:
            (one.fault if is_fault else one.success)(one.epoch, 0.0)

    assert one.is_closed


def test_a_certificate_that_is_not_trusted_opens_it_at_once() -> None:
    one = breaker()

    assert one.fault(0, 0.0, is_final=True)


def test_only_one_is_the_probe_and_its_success_closes() -> None:
    one = opened(breaker())

    assert [one.probes(4.9), one.probes(5.0), one.probes(5.1)] == [False, True, False]
    one.success(one.epoch, 6.0)
    assert (one.is_closed, one.seconds_open(100.0)) == (True, 6.0)


def test_a_probe_that_is_never_heard_of_again_leaves_its_place() -> None:
    one = opened(breaker())

    assert [one.probes(5.0), one.probes(94.0), one.probes(95.0)] == [True, False, True]


def test_each_failed_probe_doubles_the_wait_up_to_five_minutes() -> None:
    one = opened(breaker(1.0))
    waits, now = [], 0.0
    for _ in range(9):
        waits.append(one.due - now)
        now = one.due
        assert one.probes(now)
        one.fault(one.epoch, now)

    assert waits == [6.25, 12.5, 25, 50, 100, 200, 300, 300, 300]


def test_what_began_before_it_opened_says_nothing_of_the_one_that_came_back() -> None:
    one = breaker()
    before = one.epoch
    opened(one)
    one.success(before, 1.0)
    assert one.phase is Phase.OPEN
    one.probes(5.0)
    one.success(one.epoch, 5.0)

    for _ in range(20):
        one.fault(before, 6.0)

    assert one.is_closed


def test_one_that_opens_again_and_again_waits_longer_and_longer_until_it_has_proven_itself() -> (
    None
):
    one = opened(breaker())
    one.probes(5.0)
    one.success(one.epoch, 5.0)
    for _ in range(30):  # Small exchanges pass, big ones vanish: it soon opens again.
        one.success(one.epoch, 6.0)
    opened(one, 7.0)
    assert one.due == 17.0

    one.probes(17.0)
    one.success(one.epoch, 17.0)
    for _ in range(30):
        one.success(one.epoch, 60.0)
    opened(one, 60.0)
    assert one.due == 65.0


@given(_STEPS, st.integers(0, 1000))
def test_whatever_comes_waits_are_bounded_and_probes_are_single(
    steps: list[tuple[str, float]], seed: int
) -> None:
    one, now, probing = Breaker(random.Random(seed).random), 0.0, 0.0
    for word, seconds in steps:
        now += seconds
        before = (one.phase, one.due)
        match word:
            case "success":
                one.success(one.epoch, now)
                assert one.is_closed
            case "fault":
                has_opened = one.fault(one.epoch, now)
                assert not (has_opened and one.is_closed)
            case "late":
                one.fault(one.epoch - 1, now)
                one.success(one.epoch - 1, now)
                assert before == (one.phase, one.due)
            case _:
                if one.probes(now):
                    assert before[0] is Phase.OPEN or now - probing >= 90.0
                    assert now >= before[1]
                    assert not one.probes(now)
                    probing = now
        if one.phase is Phase.OPEN and before[0] is not Phase.OPEN:
            assert 5.0 <= one.due - now <= 300.0 + 1e-6
        assert 0.0 <= one.seconds_open(now) <= now
