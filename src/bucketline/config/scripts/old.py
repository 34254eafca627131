"""One of the scripts' files as it stands: what its words say, where they stand, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bucketline.config.document import load, place, spot
from bucketline.config.scripts.words import (
    DIRECT,
    RING,
    STAGED,
    Meaning,
    Role,
    SideName,
    Words,
    sections,
)
from bucketline.errors import ConfigError, printable

Where = tuple[str | int, ...]


@dataclass
class OldFile:
    """The file, and what was found to be wrong with it so far."""

    path: Path
    document: Mapping[str, Any]
    words: Words
    complaints: dict[Where, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> OldFile:
        """Raises `ConfigError` for what is none of the scripts' files at all."""
        document = load(path)
        if not isinstance(document, Mapping):
            raise ConfigError(f"{path}:1:1: holds no sections; name a config.yaml of the scripts")
        old = cls(path, document, _shape(path, document))
        for section in sections(old.words):
            value = document.get(section)
            if value is not None and not isinstance(value, Mapping):
                old.complain((section,), "must be a section; write NAME: lines under it")
        return old

    def complain(self, where: Where, text: str) -> None:
        """Remember an error; the first one of a word is told."""
        self.complaints.setdefault(where, text)

    def raise_complaints(self) -> None:
        """All of them at once, in the order of the file."""
        if not self.complaints:
            return
        ordered = sorted(self.complaints, key=lambda where: spot(self.document, where))
        raise ConfigError(
            "\n".join(
                f"{place(self.path, self.document, where)}: {_dotted(where)}: "
                f"{self.complaints[where]}"
                for where in ordered
            )
        )

    def said(self) -> list[tuple[Where, Meaning | None]]:
        """Every word of the file, in its order; None = the scripts knew no such word."""
        found: list[tuple[Where, Meaning | None]] = []
        known = sections(self.words)
        for key, value in self.document.items():
            section = str(key)
            if section in known and isinstance(value, Mapping):
                found += [
                    ((section, str(word)), self.words.get((section, str(word)))) for word in value
                ]
            else:
                found.append(((section,), self.words.get((section,))))
        return found

    def has(self, side: SideName) -> bool:
        """Whether the file says anything of this side."""
        return any(isinstance(meaning, Role) and meaning.side == side for _, meaning in self.said())

    def where(self, side: SideName, what: str) -> Where:
        """Where the word stands, or would."""
        return next(where for where, role in self.words.items() if role == Role(side, what))

    def line(self, where: Sequence[str | int]) -> int:
        return spot(self.document, where)[0]

    def value(self, where: Where) -> Any:
        """What the file says there; None = nothing."""
        node: Any = self.document
        for step in where:
            node = node.get(step) if isinstance(node, Mapping) else None
        return node

    def text(self, side: SideName, what: str) -> str:
        """A word that must be text; "" = not said."""
        if Role(side, what) not in self.words.values():
            return ""
        where = self.where(side, what)
        value = self.value(where)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.complain(where, "must be text; put it in quotes")
            return ""
        return str(value).strip()


def _shape(path: Path, document: Mapping[str, Any]) -> Words:
    if {"src", "dst"} & set(document):
        return DIRECT
    if {"source", "destination", "transfer_settings"} & set(document):
        return STAGED
    if "ring" in document and {"sup", "srebuildd_ip", "srebuildd_arc_path"} & set(document):
        return RING
    if "unlock_key" in document or "aws_access_key_id" in document:
        why = "is of a device's set-up: leave it in the device's folder, and say"
        why += " `bucketline edge setup FOLDER`; here the files of the transfers are read"
    elif {"remotes", "jobs", "limits"} & set(document):
        why = "is a configuration of bucketline already; name the file of the scripts"
    else:
        why = "is no file of the transfer scripts: it has neither src and dst, nor source"
        why += " and destination, and none of a ring's check; name their config.yaml or config.yml"
    raise ConfigError(f"{path}:1:1: {why}")


def _dotted(where: Where) -> str:
    return ".".join(printable(str(step)) for step in where)
