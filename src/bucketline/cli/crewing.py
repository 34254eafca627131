"""Decides how many processes serve a run, and adds up what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from bucketline.cli.hands import Errand, Hand, Told
from bucketline.cli.passing import Around
from bucketline.cli.places import Share
from bucketline.flow.run.crew import Fleet
from bucketline.flow.run.gauge import Cores, Fixed
from bucketline.flow.run.terms import Crew


def crew_of(
    processes: int | None, errand: Errand, around: Around, share: Share
) -> Callable[[Crew], Crew] | None:
    """So many processes; None = one, and more when its core is full and others are idle."""
    if processes == 1:
        return None
    sums = _Sums(around)

    def hire() -> Hand:
        return Hand(errand, around.drive.wake, sums.tell, around.stop)

    def tell(count: int) -> None:
        share.count = count

    def crew(own: Crew) -> Crew:
        gauge = Cores() if processes is None else Fixed(processes - 1)
        return Fleet(own, hire, gauge, small=errand.policy.move.part_size, share=tell)

    return crew


class _Sums:
    """What hands add to our counters: each tells all that it has done so far."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._requests: dict[Hand, Counter[str]] = {}

    def tell(self, hand: Hand, told: Told) -> None:
        self._around.drive.count(told.requests - self._requests.get(hand, Counter()))
        self._requests[hand] = told.requests
        self._around.endpoints.others[hand] = told.endpoints
