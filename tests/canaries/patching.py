"""Applies a unified diff by what it says, wherever that stands now, or raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path


class DoesNotApply(Exception):
    """The code has changed: the patch must be made again."""


@dataclass
class Hunk:
    """Some lines of a file, as they are and as they should be."""

    path: str
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Canary:
    """A known bug: what it is, which tests must catch it, and how to make it."""

    name: str
    bug: str
    tests: list[str]
    hunks: list[Hunk]


def read(patch: Path) -> Canary:
    head, _, body = patch.read_text().partition("\n\n")
    bug, said = head.rsplit("\nCaught by: ", 1)
    return Canary(patch.stem, bug, said.split(), _hunks(body))


def apply(canary: Canary, root: Path) -> None:
    for hunk in canary.hunks:
        path = root / hunk.path
        text, old = path.read_text(), "".join(hunk.old)
        if text.count(old) != 1:
            raise DoesNotApply(
                f"{canary.name}: {hunk.path} holds this {text.count(old)} times:\n{old}"
            )
        path.write_text(text.replace(old, "".join(hunk.new)))


def _hunks(text: str) -> list[Hunk]:
    hunks: list[Hunk] = []
    path = ""
    for line in text.splitlines(keepends=True):
        if named := re.match(r"\+\+\+ b/(\S+)", line):
            path = named[1]
        elif line.startswith("@@"):
            hunks.append(Hunk(path))
        elif hunks and not line.startswith("--- "):
            if line[0] in " -":
                hunks[-1].old.append(line[1:])
            if line[0] in " +":
                hunks[-1].new.append(line[1:])
    return hunks
