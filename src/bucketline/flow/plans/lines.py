"""The lines of a plan file: a head, an action each, the totals, and an end that seals them.

{"kind":"plan","version":1,…}       who made it, when, of which two places, by which policy
{"kind":"copy","key":…,"reason":…,"source":{…},"replaces":{…} or null}
{"kind":"delete","key":…,"holds":{…}}          all after the copies
{"kind":"totals","copies":…,"bytes":…,"deletes":…,"skipped":…,"refusal":…}
{"kind":"end","lines":…,"sha256":…}            of all bytes before this line
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bucketline.model import Action, Copy, Delete, Entry, Mark, Update

VERSION = 1
_WORDS = ("etag", "version", "tier", "stamp")


class Senseless(ValueError):
    """A line that no plan has."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the first line says; no secret is in it."""

    made: float  # When the look at both sides began; seconds since 1970.
    program: str
    source: Mapping[str, Any]
    target: Mapping[str, Any]
    policy: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""  # The job's.
    compare: str = ""  # What the comparison rests on.
    rest_of: str = ""  # The plan of which others do the other part.


@dataclass(slots=True)
class Totals:
    """What a plan comes to; also: listed, and why it must not be carried out."""

    copies: int = 0
    bytes: int = 0
    deletes: int = 0
    skipped: int = 0
    unholdable: int = 0  # Of the copies, those that no key can stand for.
    source: int = 0  # Entries that took part.
    target: int = 0
    refusal: str = ""
    updates: int = 0  # Of attributes alone; a plan that is saved has none.
    marks: int = 0  # Nor of these.

    @property
    def actions(self) -> int:
        return self.copies + self.deletes + self.updates + self.marks

    def add(self, action: Action) -> None:
        if isinstance(action, Copy):
            self.copies += 1
            self.unholdable += bool(action.refused)
            self.bytes += 0 if action.refused else action.source.size
        elif isinstance(action, Update):
            self.updates += 1
        elif isinstance(action, Mark):
            self.marks += 1
        else:
            self.deletes += 1


def head_line(head: Head) -> bytes:
    return line({"kind": "plan", "version": VERSION, **asdict(head)})


def action_line(action: Action) -> bytes:
    """One action; what is empty is left out."""
    if isinstance(action, Delete):
        return line({"kind": "delete", "key": action.key, "holds": _facts(action.target)})
    if not isinstance(action, Copy):
        raise TypeError(f"a plan file holds no {action.verb.value}")
    said: dict[str, Any] = {"kind": "copy", "key": action.target_key, "reason": action.reason}
    said["source"] = {"key": action.source.key, **_facts(action.source)}
    said["replaces"] = action.replaces and _facts(action.replaces)
    if action.refused:
        said["refused"] = action.refused
    return line(said)


def totals_line(totals: Totals) -> bytes:
    told = asdict(totals)
    del told["updates"], told["marks"]
    return line({"kind": "totals", **told})


def end_line(lines: int, sha256: str) -> bytes:
    return line({"kind": "end", "lines": lines, "sha256": sha256})


def line(said: Mapping[str, Any]) -> bytes:
    """Keys as people read them, unless they hold something that a terminal would obey."""
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    if not text.isprintable():
        text = json.dumps(said, separators=(",", ":"))
    return f"{text}\n".encode()


def action_of(said: Mapping[str, Any]) -> Action:
    """The action that a line tells; raises `Senseless`."""
    key = _text(said, "key")
    if not key:
        raise Senseless("a key is empty")
    if said["kind"] == "delete":
        return Delete(_entry(key, said["holds"]))
    source, replaces = said["source"], said["replaces"]
    return Copy(
        _entry(_text(source, "key"), source),
        key,
        replaces=None if replaces is None else _entry(key, replaces),
        reason=_text(said, "reason"),
        refused=_text(said, "refused", ""),
    )


def head_of(said: Mapping[str, Any]) -> Head:
    """What the first line tells; unknown names are left to newer versions."""
    known = {name: said[name] for name in Head.__dataclass_fields__ if name in said}
    return Head(**known)


def totals_of(said: Mapping[str, Any]) -> Totals:
    return Totals(**{name: said[name] for name in Totals.__dataclass_fields__ if name in said})


def _facts(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {"size": entry.size, "modified": entry.modified}
    return facts | {name: word for name in _WORDS if (word := getattr(entry, name))}


def _entry(key: str, facts: Mapping[str, Any]) -> Entry:
    size, modified = facts["size"], facts["modified"]
    if type(size) is not int or size < 0 or not isinstance(modified, int | float):
        raise Senseless("a size or a time is none")
    words = {name: _text(facts, name, "") for name in _WORDS}
    return Entry(key, size, float(modified), **words)


def _text(said: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = said[name] if default is None else said.get(name, default)
    if not isinstance(value, str):
        raise Senseless(f"{name} is no text")
    return value
