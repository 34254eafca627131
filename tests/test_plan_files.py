"""A plan file says what was planned, byte by byte, and is believed only when it is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.errors import DiskError, NoBucket, Refused, UsageError
from bucketline.flow.plans import Head, SavedPlan, Totals, write_plan
from bucketline.flow.plans.lines import action_line, action_of
from bucketline.model import Action, Copy, Delete, Entry, Skip, Verify
from contracts.hostile import HOSTILE

HEAD = Head(1.5, "bucketline 9", {"text": "a"}, {"text": "b"}, {"delete": True}, compare="etag")
PLAN: list[Action | Skip] = [
    Copy(Entry("p/a", 3, 1.0, "e1"), "q/a"),
    Skip(7, 70),
    Copy(Entry("p/b", 4, 2.0, "e2", version="v1"), "q/b", Entry("q/b", 5, 1.0, "e0"), "size"),
    Copy(Entry("p/\\xff", 0), "q/\\xff", reason="refused", refused="not UTF-8"),
    Delete(Entry("q/old", 9, 0.5, "e9", stamp="s9")),
]
LINES = (
    r"""
{"kind":"plan","version":1,"made":1.5,"program":"bucketline 9","source":{"text":"a"},
"target":{"text":"b"},"policy":{"delete":true},"name":"","compare":"etag","rest_of":""}
{"kind":"copy","key":"q/a","reason":"missing","source":{"key":"p/a","size":3,"modified":1.0,
"etag":"e1"},"replaces":null}
{"kind":"copy","key":"q/b","reason":"size","source":{"key":"p/b","size":4,"modified":2.0,
"etag":"e2","version":"v1"},"replaces":{"size":5,"modified":1.0,"etag":"e0"}}
{"kind":"copy","key":"q/\\xff","reason":"refused","source":{"key":"p/\\xff","size":0,
"modified":0.0},"replaces":null,"refused":"not UTF-8"}
{"kind":"delete","key":"q/old","holds":{"size":9,"modified":0.5,"etag":"e9","stamp":"s9"}}
{"kind":"totals","copies":3,"bytes":7,"deletes":1,"skipped":7,"unholdable":1,"source":10,
"target":9,"refusal":""}
"""
).replace(",\n", ",")


def counted(totals: Totals) -> None:
    totals.source, totals.target = 10, 9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "p.plan"
    write_plan(file, HEAD, PLAN, counted)
    return file


def test_the_file_is_as_written_here(path: Path) -> None:
    body = LINES.lstrip()
    end = json.dumps(
        {"kind": "end", "lines": 6, "sha256": hashlib.sha256(body.encode()).hexdigest()}
    )

    assert path.read_text() == body + end.replace(": ", ":").replace(", ", ",") + "\n"


def test_what_was_written_is_read(path: Path) -> None:
    saved = SavedPlan.open(path)

    assert list(saved.actions()) == [step for step in PLAN if not isinstance(step, Skip)]
    assert saved.head == HEAD
    assert saved.totals == Totals(3, 7, 1, 7, 1, 10, 9)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_keys_come_back(case: str, tmp_path: Path) -> None:
    copies: list[Action] = [Copy(Entry(key, 1), f"t{key}") for key in HOSTILE[case]]
    write_plan(tmp_path / "plan", HEAD, copies, counted)

    assert list(SavedPlan.open(tmp_path / "plan").actions()) == copies
    assert all(line.isprintable() for line in (tmp_path / "plan").read_text().split("\n"))


KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(KEYS, KEYS, st.text(), st.integers(0, 1 << 60), st.floats(0, 1e11))
def test_any_action_survives_its_line(
    key: str, target: str, word: str, size: int, modified: float
) -> None:
    word = word.encode(errors="ignore").decode()
    entry = Entry(key, size, modified, word, word, word, word)
    for action in (Copy(entry, target, None, word, word), Delete(entry)):
        assert action_of(json.loads(action_line(action))) == action


def test_a_verification_is_no_action_of_a_plan() -> None:
    with pytest.raises(TypeError):
        action_line(Verify(Entry("a", 1)))


def test_a_refused_plan_is_written_to_be_looked_at(tmp_path: Path) -> None:
    def steps() -> Iterator[Action | Skip]:
        yield from PLAN
        raise Refused("too many deletes")

    totals = write_plan(tmp_path / "plan", HEAD, steps(), counted)

    assert totals.refusal == SavedPlan.open(tmp_path / "plan").totals.refusal == "too many deletes"


def test_a_look_that_breaks_off_leaves_no_file_and_an_older_one_alone(path: Path) -> None:
    before = path.read_bytes()

    def steps() -> Iterator[Action | Skip]:
        yield from PLAN
        raise NoBucket("gone")

    with pytest.raises(NoBucket):
        write_plan(path, HEAD, steps(), counted)

    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="nowhere/plan: cannot be written"):
        write_plan(tmp_path / "nowhere" / "plan", HEAD, PLAN, counted)


def _changed(change: Callable[[list[bytes]], object]) -> Callable[[bytes], bytes]:
    def whole(body: bytes) -> bytes:
        lines = body.splitlines(keepends=True)
        change(lines)
        return b"".join(lines)

    return whole


def _resealed(change: Callable[[list[bytes]], object]) -> Callable[[bytes], bytes]:
    """As somebody would do it who knows what they do."""

    def whole(body: bytes) -> bytes:
        lines = body.splitlines(keepends=True)[:-1]
        change(lines)
        digest = hashlib.sha256(b"".join(lines)).hexdigest()
        end = json.dumps({"kind": "end", "lines": len(lines), "sha256": digest})
        return b"".join([*lines, end.encode(), b"\n"])

    return whole


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a changed byte": (lambda body: body.replace(b'"e1"', b'"e7"'), "SHA-256"),
    "a line less": (_changed(lambda lines: lines.pop(1)), "SHA-256"),
    "a line more": (_changed(lambda lines: lines.insert(1, lines[1])), "SHA-256"),
    "lines the other way round": (_changed(lambda lines: lines.insert(2, lines.pop(1))), "SHA-2"),
    "no end": (_changed(lambda lines: lines.pop()), "its end is missing"),
    "cut off in a line": (lambda body: body[:-90], "cut off"),
    "only a head": (_changed(lambda lines: lines.__delitem__(slice(1, None))), "end is missing"),
    "something behind the end": (lambda body: body + b"{}\n", "something follows its end"),
    "a copy behind a delete": (
        _resealed(lambda lines: lines.insert(4, lines.pop(1))),
        "line 5 is a copy behind the deletes",
    ),
    "totals of another plan": (
        _resealed(lambda lines: lines.pop(1)),
        "its totals are not those of its lines",
    ),
    "an action behind the totals": (
        _resealed(lambda lines: lines.append(lines.pop(1))),
        "line 6 is of a kind",
    ),
    "a kind that nobody knows": (
        _resealed(lambda lines: lines.insert(1, b'{"kind":"move"}\n')),
        "line 2 is of a kind that is not known here",
    ),
    "an action without a key": (
        _resealed(lambda lines: lines.insert(1, b'{"kind":"delete"}\n')),
        "line 2 makes no sense",
    ),
    "a size below nothing": (
        _resealed(lambda lines: lines.insert(1, lines[1].replace(b'"size":3', b'"size":-3'))),
        "a size or a time is none",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_plan_is_refused(case: str, path: Path) -> None:
    damage, said = DAMAGES[case]
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(Refused, match=f"the plan is damaged: .*{said}"):
        SavedPlan.open(path)


def test_every_byte_counts(path: Path) -> None:
    body = path.read_bytes()
    for place in range(0, len(body), 7):
        path.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        with pytest.raises((Refused, UsageError)):
            SavedPlan.open(path)


@pytest.mark.parametrize(
    "body", [b"", b"hello\n", b"{}\n", b"[]\n", b'{"kind":"run","format":1}\n']
)
def test_another_file_is_no_plan(body: bytes, path: Path) -> None:
    path.write_bytes(body)

    with pytest.raises(UsageError, match="this is no plan of bucketline"):
        SavedPlan.open(path)


def test_a_newer_plan_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))

    with pytest.raises(UsageError, match="written by a newer bucketline"):
        SavedPlan.open(path)


def test_a_plan_that_is_replaced_while_it_is_read_is_noticed(path: Path) -> None:
    saved = SavedPlan.open(path)
    write_plan(path, HEAD, PLAN[:1], counted)

    with pytest.raises(Refused, match="was replaced while it was read"):
        list(saved.actions())
