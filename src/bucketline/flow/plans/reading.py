"""Reads a plan file, and believes it only when all of it is what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bucketline.errors import Refused, UsageError
from bucketline.flow.plans.lines import (
    VERSION,
    Head,
    Senseless,
    Totals,
    action_of,
    head_of,
    totals_of,
)
from bucketline.model import Action, Delete

_LINE_MAX = 1 << 20  # More than two keys and all that is told of them.


@dataclass(slots=True)
class SavedPlan:
    """A plan that was read once to its end, and found whole."""

    path: Path
    head: Head
    totals: Totals
    sha256: str

    @classmethod
    def open(cls, path: Path) -> SavedPlan:
        """Raises `UsageError` for what is no plan, `Refused` for one that is damaged."""
        reading = _Reading(path)
        for _ in reading.actions():
            pass
        assert reading.head is not None
        return cls(path, reading.head, reading.told, reading.sha256)

    def actions(self) -> Iterator[Action]:
        """All of them, copies first; raises `Refused` if it is no longer the file that it was."""
        reading = _Reading(self.path)
        yield from reading.actions()
        if reading.sha256 != self.sha256:
            raise Refused(f"{self.path}: the plan was replaced while it was read; begin again")


@dataclass(slots=True)
class _Reading:
    """One pass over the file."""

    path: Path
    head: Head | None = None
    told: Totals = field(default_factory=Totals)  # By the file.
    counted: Totals = field(default_factory=Totals)  # By us.
    sha256: str = ""
    number: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def actions(self) -> Iterator[Action]:
        """To the end of the file, which must be the end of the plan."""
        has_totals = False
        for raw in self._lines():
            if self.sha256:
                raise self._damaged("something follows its end")
            said = self._said(raw)
            kind = said.get("kind")
            if kind == "end":
                self._check_end(said)
                continue
            self._digest.update(raw)
            if self.head is None:
                self.head = self._head(said)
            elif kind == "totals" and not has_totals:
                has_totals, self.told = True, totals_of(said)
            elif kind in ("copy", "delete") and not has_totals:
                yield self._action(said)
            else:
                raise self._damaged(f"line {self.number} is of a kind that is not known here")
        self._check_whole(has_totals=has_totals)

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                while raw := file.readline(_LINE_MAX):
                    self.number += 1
                    yield raw
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be read ({error.strerror})") from None

    def _said(self, raw: bytes) -> dict[str, Any]:
        try:
            said = json.loads(raw)
        except ValueError:
            said = None
        if isinstance(said, dict):
            return said
        if self.head is None:
            raise UsageError(f"{self.path}: this is no plan of bucketline")
        raise self._damaged(f"line {self.number} is cut off or damaged")

    def _head(self, said: dict[str, Any]) -> Head:
        version = said.get("version")
        if said.get("kind") != "plan" or not isinstance(version, int):
            raise UsageError(f"{self.path}: this is no plan of bucketline")
        if version > VERSION:
            raise UsageError(
                f"{self.path}: written by a newer bucketline (format {version}, this one knows"
                f" {VERSION}); update this one, or save the plan anew"
            )
        try:
            return head_of(said)
        except TypeError:
            raise self._damaged("its first line is not whole") from None

    def _action(self, said: dict[str, Any]) -> Action:
        try:
            action = action_of(said)
        except (Senseless, KeyError, TypeError) as error:
            raise self._damaged(f"line {self.number} makes no sense: {error}") from None
        if self.counted.deletes and not isinstance(action, Delete):
            raise self._damaged(f"line {self.number} is a copy behind the deletes")
        self.counted.add(action)
        return action

    def _check_end(self, said: dict[str, Any]) -> None:
        self.sha256 = self._digest.hexdigest()
        if (said.get("lines"), said.get("sha256")) != (self.number - 1, self.sha256):
            raise self._damaged("it is not what was written: its SHA-256 is another one")

    def _check_whole(self, *, has_totals: bool) -> None:
        if self.head is None:
            raise UsageError(f"{self.path}: this is no plan of bucketline: it is empty")
        if not self.sha256 or not has_totals:
            raise self._damaged("its end is missing")
        names = ("copies", "bytes", "deletes", "unholdable")
        if any(getattr(self.told, name) != getattr(self.counted, name) for name in names):
            raise self._damaged("its totals are not those of its lines")

    def _damaged(self, why: str) -> Refused:
        return Refused(f"{self.path}: the plan is damaged: {why}; save it anew")
