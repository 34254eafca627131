"""Keys of the ring: pure arithmetic from an input key to what the ring stores under it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import NamedTuple

from bucketline.errors import UsageError

KEY_DIGITS = 40
DIG_DIGITS = 22
STRIPED, REPLICATED = "51", "50"  # Service ids of what the erasure coding writes.
S3_DATA = "59"  # The service id in an input key of the S3 connector.
SPLIT_CHILDREN = ("4C", "4D")
ERASURE_CLASS = 7

_IS_KEY = re.compile(r"[0-9A-F]{40}").fullmatch
# Before a child's key in an index: one of three markers, and how many bytes the key has.
_MARK = re.compile(r"(?:2000000000000|201000000|51d688000000)(1[0-4]|0[1-9a-f])")
# Where the copies of a class lie on the ring, in shares of it: (how many shares, which ones).
_SPREAD = {
    0: (1, (0,)),
    1: (2, (0, 1)),
    2: (3, (0, 1, 2)),
    3: (6, (0, 3, 2, 5)),
    4: (6, (0, 3, 2, 5, 1)),
    5: (6, (0, 1, 2, 3, 4, 5)),
    6: (4, (0, 2, 3)),
    8: (6, (0, 3, 2)),
}


class Protection(NamedTuple):
    """How many data and coding chunks an object has."""

    data: int
    coding: int

    def __str__(self) -> str:
        return f"{self.data}+{self.coding}"


def parse_protection(text: str) -> Protection:
    """`8+4` and its like."""
    found = re.fullmatch(r"(\d{1,2})\+(\d{1,2})", text)
    if found is None or not (1 <= int(found[1]) <= 63 and 1 <= int(found[2]) <= 63):
        raise UsageError(f"{text!r} is no protection; write data+coding chunks, as in 8+4")
    return Protection(int(found[1]), int(found[2]))


def padded(text: str) -> str:
    """A key as 40 upper-case digits: services leave leading zeros out. Raises `ValueError`."""
    if _IS_KEY(text) is not None:  # As almost all are told.
        return text
    digits = text.strip().upper()
    key = digits.rjust(KEY_DIGITS, "0")
    if not digits or _IS_KEY(key) is None:
        raise ValueError(f"no key: {text[:60]!r}")
    return key


def dig(input_key: str) -> str:
    """The 22 digits that the ring's key of an input key begins with."""
    text = input_key.lstrip("0")
    raw = bytes.fromhex(text if len(text) % 2 == 0 else f"0{text}")
    return hashlib.md5(raw).hexdigest()[:DIG_DIGITS].upper()


def schema_code(protection: Protection) -> str:
    """The six digits in which a main chunk's key tells how it is protected."""
    data, coding = protection
    return f"{(data << 6) + coding:03X}{data + coding:02X}0"


def striped_main(input_key: str, protection: Protection) -> str:
    return f"{dig(input_key)}00000000{STRIPED}{schema_code(protection)}70"


def replicated_main(input_key: str, copies_class: int) -> str:
    return f"{dig(input_key)}00000000{REPLICATED}000000{copies_class:X}0"


def fingerprint(input_key: str) -> str:
    """What all input keys of one bucket have in common; ends with the service."""
    return input_key[16:32]


def service_of(key: str) -> str:
    return key[30:32]


@dataclass(frozen=True, slots=True)
class Main:
    """What a main chunk's key says of itself."""

    key: str

    @property
    def dig(self) -> str:
        return self.key[:DIG_DIGITS]

    @property
    def service(self) -> str:
        return service_of(self.key)

    @property
    def copies_class(self) -> int:
        return int(self.key[38], 16)

    @property
    def protection(self) -> Protection:
        """Of an erasure-coded object."""
        code = int(self.key[32:35], 16)
        return Protection(code >> 6, code & 63)

    @property
    def chunks(self) -> list[str]:
        """The keys of all its chunks or copies, its own first. Raises `ValueError`."""
        if self.copies_class == ERASURE_CLASS:
            return self._striped()
        if self.copies_class not in _SPREAD:
            raise ValueError(f"copies of class {self.copies_class:X} lie where nobody knows")
        shares, places = _SPREAD[self.copies_class]
        start, ring = int(self.key[:38], 16), 1 << 152
        return [
            f"{(start + place * ring // shares) % ring:038X}{self.copies_class:X}{number:X}"
            for number, place in enumerate(places)
        ]

    def _striped(self) -> list[str]:
        start, ring = int(self.key[:32], 16), 1 << 128
        schema = int(self.key[35:37], 16)
        count = sum(self.protection)
        if not schema or count > 256:
            raise ValueError(f"{self.key}: no erasure-coded main chunk")
        return [
            f"{(start + number * ring // schema) % ring:032X}{self.key[32:37]}"
            f"{number >> 4:X}7{number & 15:X}"
            for number in range(count)
        ]


def children_of(index: bytes) -> list[str]:
    """The input keys of the pieces of a split object, from its index, in order, each once."""
    text = index.hex()
    found: dict[str, None] = {}
    for mark in _MARK.finditer(text):
        size = 2 * int(mark[1], 16)
        key = text[mark.end() : mark.end() + size].upper()
        if len(key) == size and service_of(whole := key.rjust(KEY_DIGITS, "0")) in SPLIT_CHILDREN:
            found[whole] = None
    return list(found)
