"""Servers that lie while one key space is listed at several places at once."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.errors import BadListing, BadRequest, Broken
from bucketline.flow.look.listing import Listing, Unsorted
from bucketline.flow.look.stretches import WIDTH
from bucketline.stores.base import Page
from test_listing_at_once import NUMBERS, Lie, Shelf, Shuffled, any_keys, bound, entry, listed


def deaf(page: Page, token: str, after: str) -> Page:
    """A server that does not know start-after; our S3 store leaves out what it sends too early."""
    if token or not after:
        return page
    return Page([], NUMBERS[9])


def deaf_and_loud(page: Page, token: str, after: str) -> Page:
    if token or not after:
        return page
    return Page([entry(key) for key in NUMBERS[:10]], NUMBERS[9])


def refusing(page: Page, token: str, after: str) -> Page:
    if after and not token:
        raise BadRequest("start-after makes no sense")
    return page


@pytest.mark.parametrize("lie", [deaf, deaf_and_loud, refusing])
@pytest.mark.parametrize("seed", range(5))
def test_a_server_that_cannot_start_anywhere_is_read_from_the_start(lie: Lie, seed: int) -> None:
    shelf: Any = Shelf(NUMBERS, 10, lie)

    assert listed(shelf, seed) == NUMBERS
    assert len(shelf.asked) <= 400 + 3 * WIDTH


def liar(dice: Random, rate: float, hidden: set[str]) -> Lie:
    """Pages in disorder, with twins, begun too early, emptied, or none at all."""

    def lie(page: Page, token: str, after: str) -> Page:
        if dice.random() >= rate or not page.entries:
            return page
        entries = list(page.entries)
        kind = dice.randrange(5)
        if kind == 0:
            entries.reverse()
        elif kind == 1:
            entries.append(entries[0])
        elif kind == 2:
            entries.insert(0, entry(token or after or entries[0].key))
        elif kind == 3 and page.token:
            hidden.update(one.key for one in entries)
            entries = []
        elif kind == 4:
            raise Broken("the exchange broke off")
        return Page(entries, page.token)

    return lie


@settings(max_examples=300)
@given(any_keys, st.integers(1, 7), st.integers(0, 999), st.sampled_from([0.01, 0.05, 0.3]))
def test_lies_are_found_out_or_do_no_harm(
    keys: list[str], page_size: int, seed: int, rate: float
) -> None:
    hidden: set[str] = set()  # What an emptied page leaves out nobody can know.
    shelf: Any = Shelf(keys, page_size, liar(Random(seed), rate, hidden))
    try:
        got = listed(shelf, seed)
    except (Unsorted, BadListing, Broken):
        return

    assert all(one < other for one, other in pairwise(got))
    assert set(keys) - hidden <= set(got) <= set(keys)
    assert len(shelf.asked) <= bound(shelf) + 3 * WIDTH


def without(number: int) -> Lie:
    """A server whose pages do not tell a key when they begin anywhere."""

    def lie(page: Page, token: str, after: str) -> Page:
        hidden = NUMBERS[number] if after else ""
        return Page([one for one in page.entries if one.key != hidden], page.token)

    return lie


@pytest.mark.parametrize("number", range(80, 200, 7))
def test_where_two_stretches_tell_other_keys_the_first_one_is_believed(number: int) -> None:
    shelf: Any = Shelf(NUMBERS[:300], 10, without(number))
    got = listed(shelf)

    assert set(NUMBERS[:300]) - {NUMBERS[number]} <= set(got)
    assert got == sorted(set(got))


def test_a_stretch_that_ends_before_keys_that_were_seen_is_asked_again() -> None:
    told: list[str] = []

    def lie(page: Page, token: str, after: str) -> Page:
        if token == NUMBERS[49] and not told:
            told.append(token)
            return Page(page.entries, "")
        return page

    shelf: Any = Shelf(NUMBERS[:1000], 10, lie)

    assert listed(shelf) == NUMBERS[:1000]
    assert told


def test_a_listing_that_insists_to_end_before_its_keys_is_an_error() -> None:
    def lie(page: Page, token: str, after: str) -> Page:
        if (token or after) == NUMBERS[49]:
            return Page(page.entries, "")
        if (token or after) == NUMBERS[59]:
            return Page([], "")
        return page

    with pytest.raises(BadListing, match="ends before keys that it holds"):
        listed(Shelf(NUMBERS[:1000], 10, lie))


def test_a_failure_in_its_turn_ends_the_listing() -> None:
    def lie(page: Page, token: str, after: str) -> Page:
        if any(one.key == NUMBERS[500] for one in page.entries):
            raise Broken("the exchange broke off")
        return page

    shelf: Any = Shelf(NUMBERS[:1000], 10, lie)
    listing = Listing(shelf, "", Shuffled(), ahead=False).entries()

    assert [next(listing).key for _ in range(490)] == NUMBERS[:490]
    with pytest.raises(Broken):
        list(listing)
