"""The files of the spool: opaque names, in which no key can break anything."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

_NAME = re.compile(
    r"[0-9a-f]{2}/(?P<object>[0-9a-f]{32})"
    r"(?:(?P<sidecar>\.json)|\.(?P<generation>[0-9a-f]{16})"
    r"(?:(?P<begin>\.begin)|\.(?P<number>\d{5})\.(?P<md5>[0-9a-f]{32})))"
).fullmatch


class Named(NamedTuple):
    """What a file's name says of it."""

    object: str
    generation: str  # "" of a sidecar.
    number: int  # 0 of what is no part.
    md5: str
    is_begin: bool


def of_key(key: str) -> str:
    """The object's own name."""
    return sha256(key.encode()).hexdigest()[:32]


def sidecar(one: str) -> str:
    return f"{one[:2]}/{one}.json"


def begin(one: str, generation: str) -> str:
    return f"{one[:2]}/{one}.{generation}.begin"


def part(one: str, generation: str, number: int, md5: str) -> str:
    return f"{one[:2]}/{one}.{generation}.{number:05d}.{md5}"


def parts_of(one: str, generation: str) -> str:
    """How the names of its parts begin."""
    return f"{one[:2]}/{one}.{generation}."


def is_part(name: str) -> bool:
    """Whether a file of the spool holds bytes of an object."""
    return not name.endswith((".json", ".begin"))


def named(name: str) -> Named | None:
    """None = the file is none of the spool's."""
    told = _NAME(name)
    if told is None:
        return None
    return Named(
        told["object"],
        told["generation"] or "",
        int(told["number"] or 0),
        told["md5"] or "",
        bool(told["begin"]),
    )
