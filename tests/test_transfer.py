"""The target comes to hold what the source holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.errors import BadListing, NoBucket, Refused
from bucketline.flow.compare.doubts import Known
from bucketline.flow.compare.guard import Counts, Limits
from bucketline.flow.compare.pairs import Mode
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.drive import blocking
from bucketline.flow.look.filters import Filter, Rule
from bucketline.model import Action, Copy, Delete, Fate, Found, Skip
from bucketline.stores.base import Abilities, Flow, Page
from shelf import Shelf, shelf

PLAIN_POLICY = TransferPolicy()
DELETING = TransferPolicy(delete_extra=True)


class Now:
    """Runs each flow at once."""

    call = staticmethod(blocking)


def nothing_known(_: Sequence[str]) -> Mapping[str, Known]:
    return {}


def transfer(
    source: Shelf,
    target: Shelf,
    prefixes: str = "/",
    policy: TransferPolicy = PLAIN_POLICY,
    *,
    sort: bool = False,
) -> Transfer:
    """`prefixes` are the source's and the target's, with a `/` between; `|` stands for theirs."""
    left, right = (text.replace("|", "/") for text in prefixes.split("/"))
    sides = (Side(source, left, sort=sort), Side(target, right, sort=sort))
    return Transfer(*sides, policy, Now(), nothing_known)


def said(steps: Sequence[Action | Skip]) -> list[str]:
    def one(step: Action | Skip) -> str:
        match step:
            case Copy():
                return f"{step.source.key}>{step.target_key}"
            case Delete():
                return f"-{step.key}"
            case Skip():
                return f"={step.count}"
        raise AssertionError(f"a transfer plans no {step}")

    return [one(step) for step in steps]


def planned(
    source: Shelf, target: Shelf, prefixes: str = "/", policy: TransferPolicy = PLAIN_POLICY
) -> list[str]:
    return said(list(transfer(source, target, prefixes, policy).plan()))


def carry_out(engine: Transfer) -> None:
    for step in engine.plan():
        if not isinstance(step, Skip):
            assert blocking(engine.perform(step)).fate is Fate.DONE


def test_what_is_missing_or_other_is_copied_and_the_rest_counted() -> None:
    source, target = shelf("a b c d e"), shelf("a d e")
    target.put("d", b"D")

    assert planned(source, target) == ["b>b", "c>c", "d>d", "=2"]


def test_prefixes_are_exchanged() -> None:
    assert planned(shelf("a b", prefix="in/"), shelf("b c", prefix="out/"), "in|/out|") == [
        "in/a>out/a",
        "=1",
    ]


def test_a_prefix_without_a_slash_is_the_object_if_there_is_one() -> None:
    source = shelf("p p/a px")

    assert planned(source, shelf(""), "p/") == ["p>p"]
    assert planned(source, shelf(""), "p/dir|") == ["p>dir/p"]
    assert planned(source, shelf(""), "p/other") == ["p>other"]
    assert planned(source, source, "p/p") == ["=1"]


def test_a_prefix_without_a_slash_is_a_folder_if_there_is_no_object() -> None:
    source = shelf("p/a px")

    assert planned(source, shelf(""), "p/q") == ["p/a>q/a"]
    assert planned(source, shelf(""), "p/q|") == ["p/a>q/a"]
    assert planned(source, shelf(""), "p/") == ["p/a>a"]


def test_extra_objects_are_deleted_last_and_only_when_wanted() -> None:
    source, target = shelf("b d"), shelf("a b c")

    assert planned(source, target) == ["=1", "d>d"]
    assert planned(source, target, policy=DELETING) == ["=1", "d>d", "-a", "-c"]


def test_more_deletes_than_allowed_are_refused() -> None:
    policy = replace(DELETING, limits=Limits(max_delete_percent=50))
    with pytest.raises(Refused, match="2 of 3"):
        planned(shelf("b d"), shelf("a b c"), policy=policy)


def test_an_empty_source_deletes_nothing() -> None:
    with pytest.raises(Refused, match="source is empty"):
        planned(shelf(""), shelf("a"), policy=DELETING)


def test_a_filter_that_leaves_nothing_of_the_source_deletes_nothing() -> None:
    policy = replace(DELETING, look=Look(filter=Filter((Rule("/x*", is_include=True),))))
    with pytest.raises(Refused, match="source is empty"):
        planned(shelf("a"), shelf("a x1"), policy=policy)


def test_what_is_excluded_is_neither_copied_nor_deleted() -> None:
    policy = replace(DELETING, look=Look(filter=Filter((Rule("*.tmp"),))))

    assert planned(shelf("a s.tmp"), shelf("b t.tmp"), policy=policy) == ["a>a", "-b"]


def test_both_sides_are_counted() -> None:
    engine = transfer(shelf("a b"), shelf("b c d"))
    list(engine.plan())

    assert engine.counts == Counts(source=2, target=3)


def test_the_comparison_is_said() -> None:
    engine = transfer(shelf(""), shelf(""), policy=TransferPolicy(Look(Mode.SIZE)))

    assert engine.compare_said == "size"


def test_a_target_that_lists_late_without_order_is_sorted_and_nothing_is_done_twice() -> None:
    source = shelf("a b c d e f g h")
    target = shelf("a c e b g z f", unsorted=True)
    engine = transfer(source, target, policy=DELETING)

    assert said(list(engine.plan())) == ["b>b", "d>d", "h>h", "=5", "-z"]
    assert "'b' comes after 'e'" in engine.notes[0]
    assert "sorting on disk" in engine.notes[0]
    assert engine.must_sort == (False, True)


def test_a_source_that_lists_late_without_order_deletes_nothing_it_has() -> None:
    source = shelf("a c e b d", unsorted=True)

    assert planned(source, shelf("b c x"), policy=DELETING) == [
        "a>a",
        "e>e",
        "d>d",
        "=2",
        "-x",
    ]


def test_both_sides_may_list_without_order() -> None:
    source = shelf("a d e f b c", unsorted=True)
    target = shelf("b c f d a x", unsorted=True)

    # The target showed its a and d too late: they are copied once more than needed, but only once.
    assert planned(source, target, policy=DELETING) == ["a>a", "d>d", "e>e", "=3", "-x"]


def test_what_was_counted_before_a_new_start_is_not_counted_again() -> None:
    keys = [f"{number:05}" for number in range(12_000)]
    target = shelf(" ".join([*keys[:11_999], "0"]), unsorted=True)
    source = shelf(" ".join(keys))
    source.page_size = target.page_size = 11_000

    assert planned(source, target) == ["=10000", "11999>11999", "=1999"]


def test_a_listing_that_breaks_off_deletes_nothing() -> None:
    class Breaking(Shelf):
        def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
            if token:
                raise BadListing("broken")
            return (yield from super().page(prefix))

    source = Breaking(entries=shelf("a c e g").entries)
    got: list[Action | Skip] = []
    with pytest.raises(BadListing):
        got.extend(transfer(source, shelf("b d z"), policy=DELETING).plan())

    assert [step for step in got if isinstance(step, Delete)] == []


def test_checksums_are_compared_by_reading_where_etags_do_not_tell() -> None:
    source, target = shelf("a b c"), Shelf()
    target.put("a", b"a", etag="0" * 32 + "-2")
    target.put("b", b"B", etag="0" * 32 + "-2")
    target.put("c", b"c")

    assert planned(source, target, policy=TransferPolicy(Look(Mode.CHECKSUM))) == ["b>b", "=2"]


def test_parts_of_a_usual_size_are_recognised_by_reading_one_side_only() -> None:
    body = bytes(range(256)) * (45 << 10)  # 11.25 MiB: three parts of 5 MiB, or of 4.
    digests = [
        hashlib.md5(body[at : at + (5 << 20)]).digest() for at in range(0, len(body), 5 << 20)
    ]
    etag = f"{hashlib.md5(b''.join(digests)).hexdigest()}-3"
    source, target = Shelf(), Shelf(able=Abilities(etag_is_md5=False))
    source.put("a", body, etag=etag)
    target.put("a", body, etag="pin-1")

    assert planned(source, target, policy=TransferPolicy(Look(Mode.CHECKSUM))) == ["=1"]
    assert source.reads == 0


def test_a_frozen_object_that_cannot_be_compared_is_left_to_its_move() -> None:
    source, target = shelf("a"), Shelf()
    source.frozen.add("a")
    target.put("a", b"b", etag="pin-2")

    assert planned(source, target, policy=TransferPolicy(Look(Mode.CHECKSUM))) == ["a>a"]


def test_a_frozen_object_is_not_written_anew_where_its_etag_is_the_one_of_the_source() -> None:
    source, target = shelf("a"), shelf("a")
    target.frozen.add("a")

    assert planned(source, target, policy=TransferPolicy(Look(Mode.CHECKSUM))) == ["=1"]


class Missing(Shelf):
    """A folder that is not there, or that goes away after the first page."""

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        if self.entries and not token:
            return (yield from super().page(prefix))
        raise NoBucket("there is no such folder", store=self.name)

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        raise NoBucket("there is no such folder", store=self.name)


def test_a_target_that_its_first_write_makes_is_empty_until_then() -> None:
    for prefix, copied in (("", ["a>a", "b>b"]), ("a", ["a>a"])):
        source, target = Side(shelf("a b"), prefix), Side(Missing(), may_be_missing=True)
        engine = Transfer(source, target, PLAIN_POLICY, Now(), nothing_known)

        assert said(list(engine.plan())) == copied


@pytest.mark.parametrize(("keys", "may_be_missing"), [("", False), ("a b c d e", True)])
def test_a_place_that_should_be_there_and_is_not_is_no_empty_place(
    keys: str, *, may_be_missing: bool
) -> None:
    missing = Missing(entries=shelf(keys).entries)
    for source, target in (
        (Side(missing), Side(shelf("a"))),
        (Side(shelf("a z")), Side(missing, may_be_missing=may_be_missing)),
    ):
        with pytest.raises(NoBucket):
            list(Transfer(source, target, DELETING, Now(), nothing_known).plan())


_keys = st.lists(st.text("ab/", min_size=1, max_size=3), unique=True, max_size=12)


@given(_keys, _keys, st.sampled_from([False, True]), st.sampled_from([False, True]))
def test_one_run_is_enough_and_a_second_does_nothing(
    left: list[str], right: list[str], source_unsorted: bool, target_unsorted: bool
) -> None:
    source = shelf(" ".join(left), prefix="in/", unsorted=source_unsorted)
    target = shelf(" ".join(right), prefix="out/", unsorted=target_unsorted)
    policy = DELETING if left else TransferPolicy()
    first = transfer(source, target, "in|/out|", policy)
    steps = list(first.plan())
    for step in steps:
        if not isinstance(step, Skip):
            blocking(first.perform(step))

    copies = [step.key for step in steps if isinstance(step, Copy)]
    assert len(copies) == len(set(copies))
    assert len(left) == len(copies) + sum(s.count for s in steps if isinstance(s, Skip))
    again = list(transfer(source, target, "in|/out|", policy, sort=True).plan())
    assert [step for step in again if not isinstance(step, Skip)] == []
    assert {key.removeprefix("out/") for key in target.bodies} == set(left or right)
