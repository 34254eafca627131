"""Listings of odd servers, whatever the keys: everything in order, or an error, or a doubt."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.errors import BadListing, BadRequest
from bucketline.flow.look.listing import Listing, Unsorted
from bucketline.stores.beyond import may_lack
from odd_server import Asking, OddServer, by_last, by_utf8, by_utf16
from s3_by_hand import store

NEIGHBOURS = "\ud7ff\ue000\uffff\U00010000\U0010ffff"  # Here UTF-8 and UTF-16 disagree.
LONG = "p" * 1000


def listed(server: OddServer, seed: int = 0) -> tuple[list[str], bool]:
    """The keys, and whether some may be missing; sorted on disk when there is no order."""
    place: Any = store()
    drive = Asking(server, seed)
    try:
        got = [one.key for one in Listing(place, "", drive, ahead=False).entries()]
    except Unsorted:
        got = [one.key for one in Listing(place, "", drive, sort=True, ahead=False).entries()]
    return got, may_lack(place, "")


characters = st.characters(exclude_categories=["Cs"])
few = st.text(characters, min_size=1, max_size=4)
families = st.one_of(
    st.lists(few, max_size=120),
    st.lists(st.text(NEIGHBOURS, min_size=1, max_size=4), max_size=120),
    st.lists(st.text("0123456789", min_size=1, max_size=6), max_size=120),
    st.lists(st.text("ab\x01/ +%", min_size=1, max_size=6), max_size=120),
    st.lists(st.text(characters, max_size=5), max_size=60).map(
        lambda tails: [LONG + tail for tail in tails]
    ),
    st.integers(1, 150).map(lambda count: [LONG + chr(33 + number) for number in range(count)]),
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(
        lambda two: [
            *(f"!{number:03}" for number in range(two[0])),
            *(f"\U0010ffff{number:03}" for number in range(two[1])),
        ]
    ),
)
servers = st.builds(
    OddServer,
    keys=families,
    page_size=st.integers(1, 9),
    order=st.sampled_from([by_utf8, by_utf8, by_utf16, by_last]),
    knows_v2=st.booleans(),
    is_deaf=st.booleans(),
    refuses=st.booleans(),
    empties=st.sampled_from([0, 0, 2, 5]),
    key_count=st.sampled_from([int, int, lambda _: 1, lambda count: count + 1, lambda _: ""]),
    blank=st.sampled_from(["%20", "+"]),
    tells_marker=st.booleans(),
    is_wide=st.sampled_from([lambda _: False, lambda number: number % 3 == 2]),
)


@settings(max_examples=400)
@given(server=servers, seed=st.integers(0, 9))
def test_whatever_a_server_does_no_key_is_lost_in_silence(server: OddServer, seed: int) -> None:
    try:
        got, is_doubtful = listed(server, seed)
    except (BadListing, BadRequest):
        # V1 without order or a way forward; V2 has its tokens, so nothing excuses it.
        assert not server.knows_v2
        assert server.is_deaf or server.refuses or server.empties or server.order is not by_utf8
        return

    assert all(one < other for one, other in pairwise(got))
    assert set(got) == set(server.keys)
    assert not is_doubtful or len(got) % 100 == 0


THOUSAND = [f"{number:05}" for number in range(1000)]


@settings(max_examples=60)
@given(
    keys=families,
    page_size=st.integers(1, 9),
    after=st.integers(1, 30),
    seed=st.integers(0, 9),
    knows_v2=st.booleans(),
)
def test_a_listing_that_begins_anew_is_an_error_or_does_no_harm(
    *, keys: list[str], page_size: int, after: int, seed: int, knows_v2: bool
) -> None:
    server = OddServer(keys, page_size, repeats_after=after, knows_v2=knows_v2)
    try:
        got, _ = listed(server, seed)
    except BadListing:
        assert len(server.keys) > page_size
        return

    assert got == server.keys


@settings(max_examples=100)
@given(
    keys=families,
    page_size=st.integers(1, 9),
    seed=st.integers(0, 9),
    encodes=st.sampled_from([lambda page: page % 2 == 0, lambda page: page % 3 > 0]),
)
def test_pages_that_are_encoded_now_and_then_tell_the_same_keys(
    *, keys: list[str], page_size: int, seed: int, encodes: Any
) -> None:
    legible = [key for key in keys if key.isprintable()]  # What an XML page can hold uncoded.
    server = OddServer(legible, page_size, encodes=encodes)

    assert listed(server, seed) == (server.keys, False)


@pytest.mark.parametrize("order", [by_utf8, by_last])
@pytest.mark.parametrize("knows_v2", [True, False])
@pytest.mark.parametrize("held", [1000, 1500, 2000])
def test_a_cap_that_is_kept_silent_is_noticed_where_the_server_starts_nowhere_else(
    held: int, order: Any, *, knows_v2: bool
) -> None:
    keys = [f"{number:05}" for number in range(held)]
    server = OddServer(keys, order=order, cap=1000, knows_v2=knows_v2, is_deaf=True)

    got, is_doubtful = listed(server)

    assert got == sorted(server.keys[:1000])
    assert is_doubtful
    assert len(server.asked) == 2


@pytest.mark.parametrize("refuses", [True, False])
@pytest.mark.parametrize("knows_v2", [True, False])
def test_a_cap_that_is_kept_silent_is_passed_where_the_server_goes_on(
    *, knows_v2: bool, refuses: bool
) -> None:
    keys = [f"{number:05}" for number in range(2500)]
    server = OddServer(keys, cap=1000, knows_v2=knows_v2, refuses=refuses)

    got, is_doubtful = listed(server)

    assert got == (keys[:1000] if refuses else keys)
    assert is_doubtful is refuses


@pytest.mark.parametrize("knows_v2", [True, False])
def test_an_honest_end_at_a_round_number_is_believed_after_one_more_look(*, knows_v2: bool) -> None:
    server = OddServer(THOUSAND, knows_v2=knows_v2)

    assert listed(server) == (THOUSAND, False)
    assert [said.get("start-after") or said.get("marker") for said in server.asked] == [
        None,
        "00999",
    ]


def test_an_end_at_any_other_number_costs_nothing() -> None:
    server = OddServer(THOUSAND[:-1])

    assert listed(server) == (THOUSAND[:-1], False)
    assert len(server.asked) == 1


def test_a_doubt_ends_with_a_listing_that_has_none() -> None:
    place: Any = store()
    server = OddServer(THOUSAND, cap=1000, is_deaf=True)
    for keys, expected in ((THOUSAND, True), (THOUSAND[:7], False)):
        server.keys = keys
        listing = Listing(place, "", Asking(server), ahead=False)
        assert len(list(listing.entries())) == len(keys)
        assert may_lack(place, "") is expected
        assert bool(listing.notes) is expected


def test_amazon_is_not_asked_twice() -> None:
    server = OddServer(THOUSAND)
    place: Any = store(endpoints=())

    assert len(list(Listing(place, "", Asking(server), ahead=False).entries())) == 1000
    assert len(server.asked) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000])
def test_a_wrong_number_of_keys_loses_none(count: int) -> None:
    server = OddServer(["a", "b", "c"], is_wide=lambda row: row == 2, key_count=lambda _: count)

    assert listed(server) == (["a", "b", "c"], False)
