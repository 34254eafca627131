"""Reads a proof of delivery, and says exactly where it is not what was signed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from bucketline.errors import printable
from bucketline.flow.proof.manifest import FORMAT, encoded, link, signed
from bucketline.flow.proof.merkle import Tree, is_included, leaf_hash
from bucketline.flow.proof.order import Order, Problem
from bucketline.flow.proof.signing import fingerprint, is_signed
from bucketline.flow.report.delivered import Delivered

_LINE_MAX = 16 << 20
_PROBLEMS_MAX = 1_000  # That are kept; all are counted.
_NAMES = frozenset(Delivered.__dataclass_fields__)


class Pages(NamedTuple):
    """What shows that one object is in the proof: its line, and the path from it to the root."""

    header: bytes
    line: bytes
    footer: bytes
    path: list[bytes]


class Reading:
    """One reading of a file, from its beginning to its end; afterwards it has the verdict."""

    def __init__(self, file: BinaryIO, *, signer: str = "", wanted: str = "") -> None:
        self._file = file
        self._signer = signer
        self._wanted = wanted  # A key whose path is to be gathered.
        self._tree = Tree()
        self._header = self._footer = self._line = b""
        self._path: list[bytes] | None = None  # Of an extract.
        self._last: tuple[int, bytes] = (0, b"")  # Of an extract: its object.
        self.head: Mapping[str, Any] = {}
        self.foot: Mapping[str, Any] = {}
        self.size = 0
        self.problems: list[Problem] = []
        self.problem_count = 0

    @property
    def is_extract(self) -> bool:
        """It shows one object of a proof, and not all of them."""
        return self._path is not None

    @property
    def objects_read(self) -> int:
        return self._tree.count

    @property
    def fingerprint(self) -> str:
        """Of the key that the file says it was signed with."""
        return fingerprint(self._public_key)

    @property
    def pages(self) -> Pages | None:
        """What shows the wanted object; None = it is not there."""
        if not self._line:
            return None
        return Pages(self._header, self._line, self._footer, self._tree.path)

    def objects(self) -> Iterator[Delivered]:
        """Each object that can be made out. None of them is proven before the end is reached."""
        if not self._begin():
            return
        order = Order(leaf_hash(self._header))
        for number, line in self._lines(2):
            if self._footer:
                self._add(Problem(number, "added", "it comes after the end"))
                continue
            row = _row(line)
            kind = row.get("kind")
            if kind == "end":
                self._end(line, row, order)
            elif kind == "path" and number == 2:
                self._path = _path(row)
            else:
                one = _object(row) if kind == "object" else None
                yield from self._object(number, line, row, one, order)
        if not self._footer:
            self._add(Problem(0, "truncated", "it has no end: the last line of a proof is missing"))

    def _begin(self) -> bool:
        """Whether there is a header that can be read."""
        for _, line in self._lines(1):
            self._header = line
            break
        row = _row(self._header)
        if row.get("kind") != "proof" or not isinstance(row.get("format"), int):
            self._add(Problem(1, "unreadable", "this is no proof of delivery of bucketline"))
            return False
        if row["format"] > FORMAT:
            said = f"it has format {row['format']}, and this bucketline knows {FORMAT}; update it"
            self._add(Problem(1, "newer", said))
            return False
        self.head = row
        return True

    def _lines(self, first: int) -> Iterator[tuple[int, bytes]]:
        number = first
        while line := self._file.readline(_LINE_MAX):
            if not line.endswith(b"\n"):
                what = "too long" if len(line) == _LINE_MAX else "cut off"
                self._add(Problem(number, "truncated", f"it is {what}"))
                if what == "too long":
                    return
            yield number, line.removesuffix(b"\n")
            number += 1

    def _object(
        self,
        number: int,
        line: bytes,
        row: Mapping[str, Any],
        one: Delivered | None,
        order: Order,
    ) -> Iterator[Delivered]:
        leaf = leaf_hash(line)
        if one is not None and self._wanted and one.key == self._wanted and not self._line:
            self._line, self._tree.watched = line, self._tree.count
        self._tree.add(leaf)
        if self.is_extract:
            self._last = (row["n"] if one else 0, leaf)
        elif one is None:
            self._add(order.broken(number))
        else:
            for problem in order.take(number, row["n"], row["after"], leaf):
                self._add(problem)
        if one is not None:
            self.size += one.size
            yield one

    def _end(self, line: bytes, row: dict[str, Any], order: Order) -> None:
        self._footer, self.foot = line, row
        unsigned = {name: value for name, value in row.items() if name != "signature"}
        signature = _bytes(row.get("signature"))
        # The same values can be written in other bytes, which nobody has signed.
        is_canonical = encoded({**unsigned, "signature": signature.hex()}) == line
        is_valid = is_signed(self._public_key, signed(self._header, unsigned), signature)
        if self.is_extract:
            self._check_path(row)
        else:
            self._check_whole(row, order)
        if not (is_canonical and is_valid):
            said = "the header, the footer or the signature itself is not what was signed"
            self._add(Problem(0, "signature", said))
        if self._signer and self._signer != self.fingerprint:
            said = f"it is signed by {self.fingerprint}, and not by the one that you expect"
            self._add(Problem(0, "signer", said))

    def _check_whole(self, row: Mapping[str, Any], order: Order) -> None:
        is_intact = row.get("root") == self._tree.root.hex()
        for problem in order.end(row.get("after"), is_intact=is_intact):
            self._add(problem)
        count, size = row.get("objects"), row.get("bytes")
        if count != self._tree.count:
            said = f"{self._tree.count} objects are there, and the end counts {count}"
            self._add(Problem(0, "count", said))
        elif size != self.size:
            said = f"the objects have {self.size} bytes, and the end counts {size}"
            self._add(Problem(0, "count", said))
        if not is_intact:
            self._add(Problem(0, "root", "the lines are not those that were signed"))

    def _check_path(self, row: Mapping[str, Any]) -> None:
        number, leaf = self._last
        root, count = _bytes(row.get("root")), row.get("objects")
        is_shown = isinstance(count, int) and is_included(
            leaf, number - 1, count, self._path or [], root
        )
        if not is_shown or self._tree.count != 1:
            said = "the path does not lead from this object to the root that was signed"
            self._add(Problem(0, "root", said))

    @property
    def _public_key(self) -> bytes:
        return _bytes(self.head.get("public_key"))

    def _add(self, problem: Problem) -> None:
        self.problem_count += 1
        if len(self.problems) < _PROBLEMS_MAX:
            self.problems.append(problem)


def _row(line: bytes) -> dict[str, Any]:
    """The fields of a line; none where it is not made of any."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _bytes(text: object) -> bytes:
    try:
        return bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _path(row: Mapping[str, Any]) -> list[bytes]:
    path = row.get("path")
    return [_bytes(node) for node in path] if isinstance(path, list) else []


def _object(row: Mapping[str, Any]) -> Delivered | None:
    """The object of a line; None where it cannot be one."""
    hashes = row.get("hashes", {})
    is_sound = (
        _is(row, int, "n", "size")
        and _is(row, str, "after", "key", "run")
        and _is(row, (int, float), "time")
        and isinstance(hashes, dict)
        and all(isinstance(value, str) for value in hashes.values())
    )
    if not is_sound:
        return None
    return Delivered(**{name: value for name, value in row.items() if name in _NAMES})


def _is(row: Mapping[str, Any], kind: type | tuple[type, ...], *names: str) -> bool:
    return all(
        isinstance(row.get(name), kind) and not isinstance(row[name], bool) for name in names
    )


def shown(problem: Problem) -> str:
    """For a person."""
    place = f"line {problem.line}: " if problem.line else ""
    return f"{place}{problem.what}: {printable(problem.message)}"


__all__ = ["Pages", "Problem", "Reading", "link", "shown"]
