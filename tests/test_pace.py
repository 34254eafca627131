"""How many at once: found by trying, given up for a server that asks for less."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bucketline.flow.run.pace import WIDTH, WIDTH_MAX, WIDTH_MIN, Adaptive, Steady


class World:
    """Steps take `latency` seconds, and no more than `most` end in a second."""

    def __init__(self, latency: float, most: float, *, cpu: float = 0.1) -> None:
        self.latency = latency
        self.most = most
        self.cpu_share = cpu
        self.now = 0.0
        self.busy = 0
        self.pace = Adaptive(lambda: self.busy, lambda: self.now * self.cpu_share)
        self.owed = 0.0

    def live(self, seconds: float, each: Callable[[], None] = lambda: None) -> list[int]:
        """Time goes by; the widths that were seen."""
        widths = []
        until = self.now + seconds
        while self.now < until:
            self.now += 0.05
            self.owed += min(self.pace.width / self.latency, self.most) * 0.05
            while self.owed >= 1:
                self.owed -= 1
                self.pace.ended(4096)
            each()
            self.pace.adjust(self.now, is_full=True)
            widths.append(self.pace.width)
        return widths


def test_a_person_s_word_holds() -> None:
    pace = Steady(7)
    pace.ended(5)
    pace.adjust(100.0, is_full=True)
    assert pace.width == 7


def test_far_away_more_are_of_use() -> None:
    world = World(latency=0.5, most=2_000)
    world.live(60)
    assert world.pace.width >= 0.8 * WIDTH_MAX


@pytest.mark.parametrize("most", [100, 200, 400, 800])
def test_no_more_than_are_of_use(most: int) -> None:
    """Enough for what the world can do, and not many times as much."""
    world = World(latency=0.5, most=most)
    world.live(240)
    widths = world.live(120)
    enough = most * 0.5
    assert min(widths) >= min(0.6 * enough, WIDTH_MAX)
    assert max(widths) <= max(WIDTH * 1.5, 2.5 * enough)


def test_a_full_core_is_not_asked_for_more() -> None:
    world = World(latency=0.5, most=10_000, cpu=0.97)
    assert max(world.live(60)) == WIDTH


def test_a_server_that_asks_for_less_gets_less_and_later_is_tried_again() -> None:
    world = World(latency=0.1, most=10_000)

    def too_much() -> None:
        if world.pace.width > 40:
            world.busy += 1

    widths = world.live(60, too_much)
    assert min(widths) >= WIDTH_MIN
    assert all(width <= 40 * 1.5 for width in widths[len(widths) // 2 :])
    world.live(120)
    assert world.pace.width > WIDTH


def test_a_storm_leaves_a_few() -> None:
    world = World(latency=0.1, most=10_000)

    def storm() -> None:
        world.busy += 1

    world.live(60, storm)
    assert world.pace.width == WIDTH_MIN


def test_where_there_is_not_enough_to_do_nothing_is_learnt() -> None:
    pace = Adaptive()
    for second in range(100):
        pace.ended(1)
        pace.adjust(float(second), is_full=False)
    assert pace.width == WIDTH
