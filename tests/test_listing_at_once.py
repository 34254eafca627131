"""One key space listed at several places at once: the same entries, each once, in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.flow.look.listing import Listing
from bucketline.flow.look.raw_pages import Ajar, Always, raw_pages
from bucketline.flow.look.stretches import HELD_MAX, WIDTH
from bucketline.model import Entry
from bucketline.stores.base import Abilities, Flow, Page

T = TypeVar("T")

Lie = Callable[[Page, str, str], Page]  # A page, its token, the key it was to come after.


class Shelf:
    """A store of keys, served in small pages; `lie` changes what it says."""

    name = "s3://shelf/"

    def __init__(self, keys: Sequence[str], page_size: int, lie: Lie | None = None) -> None:
        self.keys = sorted(keys)
        self.page_size = page_size
        self.able = Abilities()
        self.asked: list[str] = []
        self._lie = lie

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        yield from ()
        self.asked.append(token or after)
        assert len((token or after).encode()) <= 1024
        start = bisect_right(self.keys, token or after) if token or after else 0
        chosen = self.keys[start : start + self.page_size]
        more = start + self.page_size < len(self.keys)
        page = Page([entry(key) for key in chosen], chosen[-1] if more else "")
        return self._lie(page, token, after) if self._lie else page


class Shuffled:
    """Ends flows in an order that a seed decides, one a step; counts what is under way."""

    def __init__(self, seed: int = 0) -> None:
        self.dice = Random(seed)
        self.under_way: list[tuple[Flow[Any], Any]] = []
        self.widest = 0

    def call(self, flow: Flow[T]) -> T:
        try:
            flow.send(None)
        except StopIteration as stop:
            value: T = stop.value
            return value
        raise AssertionError("these flows ask for nothing")

    @contextmanager
    def apart(self) -> Iterator[Shuffled]:
        yield self

    def start(self, flow: Flow[Any], tag: Any) -> None:
        self.under_way.append((flow, tag))
        self.widest = max(self.widest, len(self.under_way))

    def step(self, timeout_seconds: float) -> list[Any]:
        flow, tag = self.under_way.pop(self.dice.randrange(len(self.under_way)))
        try:
            return [(tag, self.call(flow), None)]
        except Exception as error:
            return [(tag, None, error)]


def entry(key: str) -> Entry:
    return Entry(key, len(key), 1.0, f"etag-{key}")


def listed(shelf: Any, seed: int = 0, prefix: str = "") -> list[str]:
    listing = Listing(shelf, prefix, Shuffled(seed), ahead=False)
    return [one.key for one in listing.entries()]


def bound(shelf: Shelf) -> float:
    """Requests that a listing may take: a third more than are needed, and a few."""
    return 1.3 * max(1, ceil(len(shelf.keys) / shelf.page_size)) + 2 + WIDTH / 2


NUMBERS = [f"list/{number:010}-object.bin" for number in range(4000)]
FOLDERS = [f"d{number // 100:03}/object-{number:06}.bin" for number in range(4000)]
RANDOM = [f"{Random(number).getrandbits(128):032x}" for number in range(4000)]
UNEVEN = [f"file-{number}" for number in range(4000)]
SKEWED = [*(f"a/{number:06}" for number in range(2000)), *(f"z/{number}" for number in range(2000))]
FAR_EAST = [chr(0x4E00 + number // 64) + chr(0x4E00 + number % 64) for number in range(4000)]


@pytest.mark.parametrize(
    ("keys", "rounds_saved"),
    [
        (NUMBERS, 0.8),
        (FOLDERS, 0.7),
        (RANDOM, 0.8),
        (UNEVEN, 0.6),
        (SKEWED, 0.6),
        (FAR_EAST, 0.6),
    ],
    ids=["numbers", "folders", "random", "uneven", "skewed", "far-east"],
)
def test_usual_keys_are_listed_at_several_places(keys: list[str], rounds_saved: float) -> None:
    shelf: Any = Shelf(keys, 20)
    drive = Rounds()
    got = [one.key for one in Listing(shelf, "", drive, ahead=False).entries()]

    assert got == sorted(keys)
    assert len(shelf.asked) <= bound(shelf)
    assert drive.rounds <= 200 * (1 - rounds_saved)


class Rounds(Shuffled):
    """All that is under way ends in one round, as with a network that takes the same each time."""

    rounds = 0

    def call(self, flow: Flow[T]) -> T:
        self.rounds += 1
        return super().call(flow)

    def step(self, timeout_seconds: float) -> list[Any]:
        flows, self.under_way = self.under_way, []
        self.rounds += 1
        return [(tag, super(Rounds, self).call(flow), None) for flow, tag in flows]


letters = st.characters(exclude_categories=["Cs"])
clustered = st.builds(
    lambda stem, tails: [stem + tail for tail in tails],
    st.text(letters, max_size=40),
    st.lists(st.text("01ab/\x01\u00e9\U0001f600", max_size=4), max_size=150),
)
any_keys = st.one_of(
    st.lists(st.text(letters, min_size=1, max_size=5), max_size=100),
    st.lists(clustered, max_size=3).map(lambda groups: [key for group in groups for key in group]),
    st.integers(0, 300).map(lambda count: [f"{number:05}" for number in range(count)]),
).map(lambda keys: sorted({key for key in keys if key}))


@pytest.mark.slow
@settings(max_examples=300)
@given(any_keys, st.integers(1, 7), st.integers(0, 99))
def test_any_keys_come_once_and_in_order_whatever_comes_first(
    keys: list[str], page_size: int, seed: int
) -> None:
    shelf: Any = Shelf(keys, page_size)

    assert listed(shelf, seed) == keys
    assert len(shelf.asked) <= bound(shelf)


class Lagging(Shuffled):
    """What is asked for first comes last; sees how much is here before its turn."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self.shelf = shelf
        self.handed_on = 0
        self.most = 0

    def step(self, timeout_seconds: float) -> list[Any]:
        flow, tag = self.under_way.pop()
        ended = [(tag, self.call(flow), None)]
        self.most = max(self.most, len(self.shelf.asked) - self.handed_on)
        return ended


@pytest.mark.parametrize(("count", "page_size"), [(4000, 10), (90_000, 1000), (280_000, 4000)])
def test_only_so_many_keys_are_held_while_the_first_page_lags(count: int, page_size: int) -> None:
    shelf: Any = Shelf([f"list/{number:010}" for number in range(count)], page_size)
    drive = Lagging(shelf)
    for page in raw_pages(shelf, "", drive, gate=Ajar(), pace=Always()):
        assert page
        drive.handed_on = len(shelf.asked)

    assert drive.most <= HELD_MAX
    assert drive.most * page_size <= HELD_MAX * 1000
    assert drive.widest <= WIDTH


@pytest.mark.parametrize("pages", [1, 2, 3, 4])
def test_a_short_listing_costs_no_request_more(pages: int) -> None:
    shelf: Any = Shelf(NUMBERS[: 10 * pages], 10)

    assert len(listed(shelf)) == 10 * pages
    assert len(shelf.asked) == pages
