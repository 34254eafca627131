"""Datasets: a folder of Parquet pieces, and a manifest that says whether they are all there.

A piece appears whole, with its receipt, or not at all; one that is there is never made again. The
manifest comes last. Who reads a dataset gets every row that was written, or an error.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bucketline.durable import whole_file
from bucketline.errors import DiskError, Refused
from bucketline.flow.query.rows import Column, Rows, count_rows

VERSION = 1
MANIFEST = "manifest.json"


class Receipt(NamedTuple):
    """What was written of a piece."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a dataset holds, and what may be concluded from it."""

    name: str
    pieces: tuple[Receipt, ...]
    why_partial: str = ""  # "" = it covers everything.
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(piece.rows for piece in self.pieces)

    @property
    def digest(self) -> str:
        """Stands for every byte of the dataset."""
        text = json.dumps([list(piece) for piece in self.pieces])
        return hashlib.sha256(text.encode()).hexdigest()


class Dataset:
    """One table of a run, in a folder of its own."""

    def __init__(
        self, folder: Path, columns: Sequence[Column], wrote: Callable[[int], None] = lambda _: None
    ) -> None:
        self.folder = folder
        self.columns = columns
        self._wrote = wrote  # Told of rows, while a piece is made.

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_sealed(self) -> bool:
        return (self.folder / MANIFEST).exists()

    def has(self, piece: str) -> bool:
        """Whether an earlier attempt brought this piece to its end."""
        return self._receipt_file(piece).exists()

    @contextmanager
    def piece(self, name: str) -> Iterator[Rows]:
        """Rows for a new piece; nothing of it stays when the writer fails."""
        part = self._part(name)
        rows = Rows(part, self.columns, self._wrote)
        try:
            yield rows
        except BaseException:
            rows.drop()
            raise
        rows.close()
        self._take(name, part)

    def made(self, name: str, write: Callable[[Path], None]) -> None:
        """A piece that somebody else writes, as an engine does."""
        part = self._part(name)
        write(part)
        self._take(name, part)

    def seal(self, *, why_partial: str = "", notes: Mapping[str, Any] | None = None) -> Manifest:
        """Everything is there: say so."""
        self.folder.mkdir(parents=True, exist_ok=True)
        receipts = [_receipt(json.loads(p.read_text())) for p in self.folder.glob("*.receipt")]
        found = Manifest(self.name, tuple(sorted(receipts)), why_partial, notes or {})
        text = {
            "version": VERSION,
            "dataset": self.name,
            "complete": not why_partial,
            "why_partial": why_partial,
            "rows": found.rows,
            "pieces": [piece._asdict() for piece in found.pieces],
            "notes": dict(found.notes),
        }
        with whole_file(self.folder / MANIFEST) as file:
            file.write(json.dumps(text, indent=1).encode() + b"\n")
        return found

    def manifest(self) -> Manifest:
        """Raises `Refused` when the dataset was not brought to its end."""
        path = self.folder / MANIFEST
        try:
            text = json.loads(path.read_text())
            if text["version"] > VERSION:
                raise Refused(f"{path}: a newer bucketline wrote it; use that one")
            pieces = tuple(_receipt(piece) for piece in text["pieces"])
            return Manifest(text["dataset"], pieces, text["why_partial"], text["notes"])
        except FileNotFoundError:
            raise Refused(
                f"{self.folder}: the dataset is incomplete; run `bucketline ring"
                f" {self.name}` again first"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DiskError(f"{path}: is damaged ({error}); make the dataset again") from None

    def files(self) -> list[Path]:
        """The pieces, after a look at each: its bytes are those that were written."""
        found = []
        for piece in self.manifest().pieces:
            path = self.folder / f"{piece.name}.parquet"
            if not path.exists() or _sha256(path) != piece.sha256:
                raise DiskError(f"{path}: is not what was written; make {self.name} again")
            found.append(path)
        return found

    def _part(self, name: str) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(f"{self.folder}: cannot be made ({error.strerror})") from None
        return self.folder / f".{name}.part"

    def _take(self, name: str, part: Path) -> None:
        path = self.folder / f"{name}.parquet"
        receipt = Receipt(name, count_rows(part), _sha256(part))
        _flush(part)
        part.replace(path)
        with whole_file(self._receipt_file(name)) as file:
            file.write(json.dumps(receipt._asdict()).encode() + b"\n")

    def _receipt_file(self, name: str) -> Path:
        return self.folder / f"{name}.receipt"


def require_whole(datasets: Iterable[Dataset]) -> list[str]:
    """Why these datasets cover only a part of the world; none = they cover all of it."""
    manifests = [dataset.manifest() for dataset in datasets]
    return [f"{one.name}: {one.why_partial}" for one in manifests if one.why_partial]


def _receipt(text: Mapping[str, Any]) -> Receipt:
    return Receipt(text["name"], text["rows"], text["sha256"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
