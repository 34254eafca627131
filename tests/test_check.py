"""What differs is said, and nothing is changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bucketline.engines.check import Check
from bucketline.errors import DiskError
from bucketline.flow.compare.doubts import Known
from bucketline.flow.compare.lines import Line, Summary, Symbol, reported
from bucketline.flow.compare.pairs import Mode
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.drive import blocking
from bucketline.flow.look.filters import Filter, Rule
from shelf import Shelf, shelf

PLAIN_LOOK = Look()


class Now:
    """Runs each flow at once."""

    call = staticmethod(blocking)


def nothing_known(_: Sequence[str]) -> Mapping[str, Known]:
    return {}


def check(source: Shelf, target: Shelf, prefix: str = "", look: Look = PLAIN_LOOK) -> Check:
    return Check(Side(source, prefix), Side(target, prefix), look, Now(), nothing_known)


def shown(lines: Sequence[Line]) -> list[str]:
    return [f"{line.symbol.value} {line.key}" for line in lines]


def test_each_difference_has_its_sign_in_key_order() -> None:
    source, target = shelf("a b c d"), shelf("b c e")
    target.put("c", b"C")
    engine = check(source, target)

    assert shown(list(engine.lines())) == ["+ a", "* c", "+ d", "- e"]
    assert engine.summary == Summary(equal=1, only_source=2, only_target=1, differs=1)
    assert engine.summary.exit_code == 3


def test_equal_keys_are_shown_when_wanted() -> None:
    engine = check(shelf("a b"), shelf("b"))

    assert shown(list(engine.lines(every=True))) == ["+ a", "= b"]
    assert engine.summary == Summary(equal=1, only_source=1)


def test_two_equal_sides_have_nothing_to_say() -> None:
    engine = check(shelf("a b", prefix="p/"), shelf("a b", prefix="p/"), "p/")

    assert list(engine.lines()) == []
    assert engine.summary == Summary(equal=2)
    assert engine.summary.exit_code == 0


def test_keys_are_shown_without_their_prefix_and_single_objects_by_name() -> None:
    source, target = shelf("p/a p/b/c"), shelf("p/a")

    assert shown(list(check(source, target, "p/").lines())) == ["+ b/c"]
    assert shown(list(check(source, target, "p/b/c").lines())) == ["+ c"]


def test_a_line_says_why_and_how_big() -> None:
    source, target = shelf("a"), Shelf()
    target.put("a", b"12")

    assert list(check(source, target).lines()) == [Line(Symbol.DIFFERS, "a", "size", 1, 2)]


def test_what_cannot_be_compared_is_neither_equal_nor_different() -> None:
    source, target = shelf("a"), Shelf()
    source.frozen.add("a")
    target.put("a", b"b", etag="pin")
    engine = check(source, target, look=Look(Mode.CHECKSUM))

    assert shown(list(engine.lines())) == ["! a"]
    assert engine.summary == Summary(unknown=1)
    assert engine.summary.exit_code == 1


def test_excluded_keys_are_not_looked_at_on_either_side() -> None:
    look = Look(filter=Filter((Rule("*.tmp"),)))

    assert shown(list(check(shelf("a a.tmp"), shelf("b b.tmp"), look=look).lines())) == [
        "+ a",
        "- b",
    ]


def test_a_listing_that_comes_without_order_voids_what_was_said() -> None:
    engine = check(shelf("a b c d"), shelf("a c d b", unsorted=True))
    lines = list(engine.lines())

    assert shown(lines) == ["+ b", "~ "]
    assert "'b' comes after 'd'" in lines[1].reason
    assert engine.summary == Summary(equal=4)


def test_a_report_holds_the_lines_that_count(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    engine = check(shelf("a b c d \U0001f600"), shelf("a c d b", unsorted=True))
    lines = list(reported(engine.lines(), report))

    assert shown(lines) == ["+ b", "~ ", "+ \U0001f600"]
    assert [json.loads(line) for line in report.read_text().splitlines()] == [
        {"symbol": "+", "key": "\U0001f600", "source_size": 4}
    ]
    assert list(tmp_path.iterdir()) == [report]


def test_an_unfinished_report_leaves_the_old_one(tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    report.write_text("old")
    lines = reported(check(shelf("a b"), shelf("")).lines(), report)
    next(lines)
    del lines

    assert report.read_text() == "old"
    assert list(tmp_path.iterdir()) == [report]


def test_what_is_no_file_keeps_its_name(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(DiskError, match="it is no file"):
        list(reported(check(shelf("a b"), shelf("")).lines(), pipe))

    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_report_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="nowhere"):
        list(reported([], tmp_path / "nowhere" / "report"))
