"""Pages become entries in key order, or an error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import count, pairwise
from typing import Any, TypeVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bucketline.errors import BadListing, Broken, DiskError
from bucketline.flow.look.listing import Listing, Unsorted, entries
from bucketline.flow.look.sorting import EntryFile, Sorter
from bucketline.model import Entry
from bucketline.stores.base import Abilities, Flow, Page

T = TypeVar("T")


class Now:
    """Runs flows that ask for nothing, and counts them."""

    def __init__(self) -> None:
        self.calls = 0
        self.called = threading.Semaphore(0)

    def call(self, flow: Flow[T]) -> T:
        self.calls += 1
        self.called.release()
        try:
            flow.send(None)
        except StopIteration as stop:
            value: T = stop.value
            return value
        raise AssertionError("these flows ask for nothing")


class Scripted:
    """A store whose listing is what a function says for each token."""

    name = "s3://scripted/"

    def __init__(self, answer: Callable[[str], Page], *, is_sorted: bool = True) -> None:
        self._answer = answer
        self.able = Abilities(sorted=is_sorted)

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        yield from ()
        return self._answer(token)


def scripted(answer: Callable[[str], Page]) -> Any:
    return Scripted(answer)


def entry(key: str) -> Entry:
    return Entry(key, len(key), 1.0, f"etag-{key}")


def pages(*texts: str, is_sorted: bool = True) -> Any:
    """One page a text, one entry a word."""

    def answer(token: str) -> Page:
        number = int(token or "0")
        following = str(number + 1) if number + 1 < len(texts) else ""
        return Page([entry(key) for key in texts[number].split()], following)

    return Scripted(answer, is_sorted=is_sorted)


def keys(listing: Iterator[Entry]) -> list[str]:
    return [one.key for one in listing]


def test_pages_are_handed_on_in_order() -> None:
    listing = Listing(pages("a b", "", "c", "d"), "", Now())

    assert keys(listing.entries()) == ["a", "b", "c", "d"]
    assert listing.count == 4
    assert listing.notes == []


def test_an_empty_listing_has_no_entries() -> None:
    assert keys(entries(pages(""), "", Now())) == []


def test_order_is_that_of_utf_8_bytes() -> None:
    in_order = "! ~ \u00e9 \uffff \U0001f600"

    assert keys(entries(pages(in_order), "", Now())) == in_order.split()
    assert sorted(in_order.split(), key=str.encode) == in_order.split()


def test_a_disorder_on_the_first_page_is_sorted_and_said() -> None:
    listing = Listing(pages("b a", "d c"), "", Now())

    assert keys(listing.entries()) == ["a", "b", "c", "d"]
    assert listing.notes == ["s3://scripted/: not listed in key order; 4 entries sorted here"]


def test_a_store_that_promises_no_order_is_sorted_from_the_start() -> None:
    assert keys(Listing(pages("b", "a", is_sorted=False), "", Now()).entries()) == ["a", "b"]
    assert keys(Listing(pages("b", "a"), "", Now(), sort=True).entries()) == ["a", "b"]


def test_a_late_disorder_asks_for_a_new_start_and_names_both_keys() -> None:
    listing = Listing(pages("a b", "c e d"), "", Now())
    with pytest.raises(Unsorted, match="'d' comes after 'e'"):
        keys(listing.entries())

    assert listing.is_disordered


def test_a_page_that_goes_back_is_a_disorder() -> None:
    with pytest.raises(Unsorted, match="'a' comes after 'c'"):
        keys(entries(pages("b c", "a d"), "", Now()))


def test_a_key_that_ends_one_page_and_begins_the_next_comes_once() -> None:
    assert keys(entries(pages("a b", "b c"), "", Now())) == ["a", "b", "c"]


def test_equal_twins_in_an_unsorted_listing_come_once() -> None:
    listing = Listing(pages("b a b", "c a"), "", Now())

    assert keys(listing.entries()) == ["a", "b", "c"]
    assert listing.count == 3


@pytest.mark.parametrize("sort", [False, True])
def test_twins_that_contradict_each_other_prove_the_listing_wrong(*, sort: bool) -> None:
    script = {"": Page([Entry("a", 1)], "1"), "1": Page([Entry("a", 2), Entry("b", 1)], "")}
    with pytest.raises(BadListing, match=r"scripted/a: listed twice"):
        keys(Listing(scripted(script.__getitem__), "", Now(), sort=sort).entries())


def test_a_key_without_the_prefix_proves_the_listing_wrong() -> None:
    with pytest.raises(BadListing, match=r"scripted/b: listed under 'a'"):
        keys(entries(pages("a1 a2 b"), "a", Now()))


def test_a_token_that_repeats_is_no_end() -> None:
    numbers = count()

    def answer(token: str) -> Page:
        return Page([entry(f"{next(numbers):09}")], f"token-{next(numbers) % 14}")

    with pytest.raises(BadListing, match="does not end"):
        keys(entries(scripted(answer), "", Now()))


def test_the_same_page_for_ever_is_no_end() -> None:
    numbers = count()

    def answer(token: str) -> Page:
        return Page([entry("a"), entry("b")], f"token-{next(numbers)}")

    for sort in (False, True):
        with pytest.raises(BadListing, match="does not end"):
            keys(Listing(scripted(answer), "", Now(), sort=sort).entries())


def test_empty_pages_for_ever_are_no_end() -> None:
    numbers = count()
    store: Any = Scripted(lambda _: Page([], f"token-{next(numbers)}"))
    with pytest.raises(BadListing, match="does not end"):
        keys(entries(store, "", Now()))


def test_a_failure_reaches_the_consumer_after_what_came_before_it() -> None:
    def answer(token: str) -> Page:
        if token:
            raise Broken("the connection ended early")
        return Page([entry("a")], "1")

    listing = entries(scripted(answer), "", Now())

    assert next(listing).key == "a"
    with pytest.raises(Broken):
        next(listing)


def test_a_listing_that_breaks_off_while_it_is_sorted_hands_nothing_on() -> None:
    def answer(token: str) -> Page:
        if token:
            raise Broken("the connection ended early")
        return Page([entry("b"), entry("a")], "1")

    with pytest.raises(Broken):
        next(entries(scripted(answer), "", Now()))


def test_fetching_runs_ahead_a_little_and_ends_with_its_consumer() -> None:
    drive = Now()
    listing = Listing(pages(*(f"{number:03}" for number in range(100))), "", drive).pages()
    next(listing)
    for _ in range(3):  # The first, the second, and the third that the first made room for.
        assert drive.called.acquire(timeout=10)
    listing.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name == "listing":
            thread.join(10)
            assert not thread.is_alive()

    assert drive.calls <= 5


def test_without_a_thread_pages_are_fetched_when_they_are_wanted() -> None:
    drive = Now()
    listing = Listing(pages("a", "b", "c"), "", drive, ahead=False).pages()
    next(listing)

    assert drive.calls == 1


@given(st.lists(st.lists(st.text("ab/", max_size=3), max_size=5), min_size=1, max_size=5))
def test_any_listing_gives_each_key_once_in_order_or_says_that_it_cannot(
    script: Sequence[Sequence[str]],
) -> None:
    def answer(token: str) -> Page:
        number = int(token or "0")
        following = str(number + 1) if number + 1 < len(script) else ""
        return Page([entry(key) for key in script[number]], following)

    expected = sorted({key for page in script for key in page})
    store: Any = scripted(answer)
    assume(not any(page and page == following for page, following in pairwise(script)))
    try:
        got = keys(Listing(store, "", Now(), ahead=False).entries())
    except Unsorted:
        got = keys(Listing(store, "", Now(), ahead=False, sort=True).entries())

    assert expected == got


@given(st.lists(st.text(max_size=3), max_size=60), st.integers(1, 7))
def test_the_sorter_sorts_whatever_its_memory(texts: list[str], run_entries: int) -> None:
    sorter = Sorter(run_entries=run_entries)
    for text in texts:
        sorter.extend([Entry(text, 1, 0.1)])
    got = [one for block in sorter.blocks() for one in block]
    sorter.close()

    assert [Entry(text, 1, 0.1) for text in sorted(texts)] == got


def test_many_runs_are_merged_before_files_run_out() -> None:
    sorter = Sorter(run_entries=1)
    for number in reversed(range(300)):
        sorter.extend([Entry(f"{number:03}", number)])

    assert [one.size for block in sorter.blocks() for one in block] == list(range(300))
    sorter.close()


def test_a_file_of_entries_gives_back_what_was_put_in_as_often_as_asked() -> None:
    file = EntryFile()
    put_in = [Entry(f"\U0001f600\n{number}", number, 1.25, "e", "v", "t") for number in range(2500)]
    for one in put_in[:2100]:
        file.append(one)
    reader = iter(file)
    assert next(reader) == put_in[0]
    for one in put_in[2100:]:
        file.append(one)

    assert list(file) == put_in
    assert list(file) == put_in
    file.close()


def test_a_full_disk_is_named() -> None:
    file = EntryFile("/nowhere/at/all")
    with pytest.raises(DiskError, match="temporary file"):
        file.extend(Entry(str(number), 0) for number in range(1000))
