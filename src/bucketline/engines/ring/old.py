"""What the old check has left: its lists and exports, read as they lie, never believed to be whole.

They tell neither which nodes and buckets are in them nor what was written since, and leave out what
was new then. So everything that is made of them covers a part alone, and nothing may be deleted.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import unquote

from bucketline.engines.ring.client import escaped
from bucketline.engines.ring.keys import padded
from bucketline.engines.ring.site import Site, nameless
from bucketline.errors import BadListing, UsageError, printable
from bucketline.flow.drive import Drive
from bucketline.flow.look.listing import entries
from bucketline.flow.query.datasets import Dataset
from bucketline.flow.query.rows import Rows
from bucketline.model import Entry
from bucketline.stores.base import Store

LISTS, EXPORTS = "listkeys.csv", "s3-bucketd"
FROM = "from_old"  # In the notes of a dataset that was made of them.
_HEAD = "_1"  # Spark's name of a first column, where nobody gave it one.
_SPARK = ("_", ".")  # Names of what Spark puts beside its files.
_PIECE = 8 << 20
_DAMAGE = (OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError)
Taken = Callable[[Rows, str, list[str]], None]


@dataclass(frozen=True, slots=True)
class Old:
    """Where the old check's folders of rings are."""

    store: Store
    prefix: str  # "" or with a slash at its end.
    text: str  # As a person wrote it.
    drive: Drive


def list_keys(site: Site, old: Old) -> None:
    """The chunks, by listkeys.csv. Raises `UsageError`, `BadListing`."""
    _take(site, old, LISTS, "listkeys", _chunk)


def export(site: Site, old: Old) -> None:
    """The references, by s3-bucketd. Raises `UsageError`, `BadListing`."""
    site.dataset("listkeys").manifest()
    _take(site, old, EXPORTS, "export", _reference)
    objects = site.dataset("objects")
    if not objects.is_sealed:
        objects.seal(why_partial=_why(old))


def is_of_old(dataset: Dataset) -> bool:
    """Whether it was made of what the old check left."""
    return FROM in dataset.manifest().notes


def _take(site: Site, old: Old, folder: str, name: str, take: Taken) -> None:
    dataset = site.dataset(name)
    if dataset.is_sealed:
        return
    found = _files(site, old, folder)
    for entry in site.going.through(name, "files", found):
        piece = f"old-{escaped(entry.key.removeprefix(old.prefix))}"
        if not dataset.has(piece):
            with dataset.piece(piece) as rows:
                _read(old, entry, rows, take)
    kept = [[one.key, one.size, one.etag] for one in found]
    dataset.seal(why_partial=_why(old), notes={FROM: old.text, "files": kept})


def _why(old: Old) -> str:
    return f"read from {printable(old.text)}, which does not tell what it leaves out"


def _files(site: Site, old: Old, folder: str) -> list[Entry]:
    """One file, or all of a folder but what Spark puts beside."""
    place = f"{old.prefix}{site.ring.name}/{folder}"
    found = [
        one
        for one in entries(old.store, place, old.drive)
        if one.key == place or one.key.startswith(f"{place}/")
        if not one.key.rpartition("/")[2].startswith(_SPARK) and not one.key.endswith("/")
    ]
    if not found:
        said = f"{printable(old.text)}: holds no {site.ring.name}/{folder}"
        raise UsageError(f"{said}; name the folder in which {site.ring.name}/ is")
    return found


def _read(old: Old, entry: Entry, rows: Rows, take: Taken) -> None:
    """Its rows, after all of it was read as one and the same object."""
    name, reader = f"{old.store.name}{printable(entry.key)}", None
    with nameless(rows.path.parent) as file:
        _bring(old, entry, file)
        try:
            reader = _reader(file, is_packed=entry.key.endswith(".gz"))
            for line in filter(None, reader):
                take(rows, printable(entry.key), line)
        except (*_DAMAGE, ValueError) as error:
            place = f"{name}:{reader.line_num}" if reader else name
            is_damage = isinstance(error, _DAMAGE)
            why = f"cannot be read ({error}); bring it again" if is_damage else str(error)
            raise BadListing(f"{place}: {why}") from None


def _bring(old: Old, entry: Entry, file: IO[bytes]) -> None:
    """A copy of the one object that it is now."""
    for start in range(0, entry.size, _PIECE):
        read = old.store.read(entry.key, start=start, size=_PIECE, etag=entry.pin)
        file.write(old.drive.call(read).body)
    file.seek(0)


def _reader(file: IO[bytes], *, is_packed: bool) -> Any:
    """Rows; the oldest exports have a semicolon between their values."""
    plain: Any = gzip.GzipFile(fileobj=file) if is_packed else file
    text = io.TextIOWrapper(plain, encoding="utf-8", newline="")
    first = text.readline()
    text.seek(0)
    return csv.reader(text, delimiter="," if "," in first else ";", strict=True)


def _chunk(rows: Rows, name: str, line: list[str]) -> None:
    """`chunk,main,disk,flag`; nothing tells that it is new, as what was new was left out."""
    if line[0] == _HEAD:
        return
    try:
        chunk, main, _, flag = line[:4]
        rows.add((padded(chunk), padded(main), int(flag), False, name))
    except ValueError:
        said = printable(",".join(line))[:80]
        raise ValueError(f"{said!r} is no chunk, main chunk, disk and flag") from None


def _reference(rows: Rows, name: str, line: list[str]) -> None:
    """`bucket, key, input key`; of the key it has what follows its last slash."""
    del name
    try:
        bucket, coded, told = line
    except ValueError:
        said = printable(",".join(line))[:80]
        raise ValueError(f"{said!r} is no bucket, key and input key") from None
    key, _, version = unquote(coded).partition("\0")
    try:
        input_key, issue = padded(told) if told else "", "" if told else "UNRESOLVED"
    except ValueError:  # Another cloud's, or damaged.
        input_key, issue = "", "UNRESOLVED"
    rows.add(("object", bucket, key, version, "", input_key, 0, 0, 0, issue))
