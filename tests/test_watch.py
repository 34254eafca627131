"""Watching: again and again, through outages, until asked to stop."""

from __future__ import annotations

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import BadCredentials, NoBucket, Refused, Unreachable
from bucketline.flow.run.terms import Ran, Stop
from bucketline.flow.run.watch import Absent, Watch, watch
from bucketline.model import Tally


class Side:
    """A story: what each pass meets."""

    def __init__(self, *story: Exception | str) -> None:
        self.story = list(story)
        self.clock = FakeClock(0.0)
        self.stop = Stop()
        self.starts: list[float] = []
        self.said: list[str] = []

    def once(self) -> Ran:
        self.starts.append(self.clock.now())
        step = self.story.pop(0)
        self.stop.drain = not self.story
        if isinstance(step, Exception):
            raise step
        return Ran(step, Tally(done=len(self.starts)))

    def watch(self, every_seconds: float = 60.0, ends: float | None = None) -> Ran:
        terms = Watch(self.clock, self.stop, self.said.append, every_seconds, ends)
        return watch(self.once, terms)


def test_it_looks_again_after_a_pause_until_asked_to_stop() -> None:
    side = Side("complete", "failed", "complete")
    assert side.watch().tally.done == 3
    assert side.starts == pytest.approx([0.0, 60.0, 120.0])
    assert side.said == []


def test_an_outage_is_waited_out_even_at_the_start() -> None:
    side = Side(Unreachable("no route"), Absent("no such folder"), "complete", "complete")
    side.watch()
    assert side.starts == pytest.approx([0.0, 5.0, 15.0, 75.0])
    assert side.said[0] == "no route; watching goes on, next look in 5.0 s"


def test_a_long_outage_is_asked_about_now_and_then() -> None:
    side = Side("complete", *(Unreachable("no route") for _ in range(12)), "complete")
    side.watch()
    assert side.starts[-1] - side.starts[-2] == pytest.approx(300.0)


@pytest.mark.parametrize("error", [NoBucket("no such bucket"), BadCredentials("wrong key")])
def test_wrong_settings_end_it_at_the_start_and_are_waited_out_later(error: Exception) -> None:
    with pytest.raises(type(error)):
        Side(error, "complete").watch()
    side = Side("complete", error, "complete")
    assert side.watch().state == "complete"


def test_a_refusal_always_ends_it() -> None:
    with pytest.raises(Refused):
        Side("complete", Refused("too many deletes"), "complete").watch()


def test_it_ends_when_its_time_is_over() -> None:
    side = Side("complete", "complete", "complete")
    side.watch(ends=100.0)
    assert side.starts == pytest.approx([0.0, 60.0])
    assert side.clock.now() == pytest.approx(100.0, abs=0.3)


def test_a_wish_to_stop_is_heard_in_a_pause() -> None:
    side = Side("complete", "complete")

    def stop(seconds: float) -> None:
        del seconds
        side.stop.drain = True

    side.clock.sleep = stop  # type: ignore[method-assign]
    side.watch()
    assert side.starts == [0.0]
