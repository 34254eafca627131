"""A tar of small objects that can also be read without being extracted: an index follows its end.

Whoever extracts it sees a plain tar. Readers stop at the two empty blocks that end one, and behind
these stands a line for each member: its name, where its bytes are, and their MD5. The archive's own
name holds the MD5 of all of it and where the index begins: the same objects make the same archive.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from hashlib import md5
from typing import NamedTuple

from bucketline.errors import Broken

_BLOCK = 512
_NAME_MAX, _FOLDER_MAX = 100, 155  # Bytes, in the header.
_STEM = "bucketline-batch-"
_NAMED = re.compile(rf"{_STEM}(?P<md5>[0-9a-f]{{32}})-(?P<index>[0-9]{{1,12}})\.tar").fullmatch
# What every extractor takes for the same name: others go by themselves.
_PLAIN = re.compile(r"[A-Za-z0-9_.,:;@=+~()\[\]{}!#$%&' -]+").fullmatch


class Packed(NamedTuple):
    """A member, before or after it was packed."""

    name: str
    md5: str
    offset: int
    size: int


class Loose(NamedTuple):
    """What is to become a member."""

    name: str
    body: bytes
    md5: str
    modified: float


class Archive(NamedTuple):
    """A whole one."""

    name: str
    body: bytes
    md5: bytes
    members: list[Packed]


def stem(folder: str) -> str:
    """How the keys of archives in a folder begin."""
    return folder + _STEM


def index_of(name: str) -> int | None:
    """Where the index of an archive of this name begins; None = it is none of ours."""
    told = _NAMED(name)
    return int(told["index"]) if told else None


def can_hold(name: str) -> bool:
    """Whether a member may be called so: relative, nothing to resolve, nothing to decode."""
    words = name.split("/")
    return all(_PLAIN(word) and word not in {".", ".."} for word in words) and bool(_split(name))


def pack(loose: Sequence[Loose]) -> Archive:
    """All of them become an archive."""
    blocks: list[bytes] = []
    members: list[Packed] = []
    offset = 0
    for name, body, digest, modified in loose:
        offset += _BLOCK
        members.append(Packed(name, digest, offset, len(body)))
        gap = -len(body) % _BLOCK
        blocks += [_header(name, len(body), modified), body, bytes(gap)]
        offset += len(body) + gap
    blocks.append(bytes(2 * _BLOCK))
    offset += 2 * _BLOCK
    blocks.append(b"".join(json.dumps(list(one)).encode() + b"\n" for one in members))
    whole = b"".join(blocks)
    told = md5(whole, usedforsecurity=False)
    return Archive(f"{_STEM}{told.hexdigest()}-{offset}.tar", whole, told.digest(), members)


def members_of(index: bytes, where: str) -> list[Packed]:
    """What an index tells."""
    try:
        found = [Packed(*json.loads(line)) for line in index.splitlines()]
        is_sound = all(can_hold(one.name) and one.offset > 0 < one.size for one in found)
    except (ValueError, TypeError, AttributeError):
        is_sound, found = False, []
    if not found or not is_sound:
        raise Broken("its index is damaged; look at it, or take it away", store=where)
    return found


def _header(name: str, size: int, modified: float) -> bytes:
    """Of a plain file, as POSIX has it."""
    folder, _, last = (_split(name) or "/").rpartition("\0")
    fields = [
        last.encode().ljust(_NAME_MAX, b"\0"),
        b"0000644\0" + b"0000000\0" * 2,
        f"{size:011o}\0{int(modified):011o}\0".encode(),
        b" " * 8,  # The sum is made as if it stood so.
        b"0" + bytes(_NAME_MAX),
        b"ustar\x0000" + bytes(32 + 32) + b"0000000\0" * 2,
        folder.encode().ljust(_FOLDER_MAX, b"\0"),
    ]
    head = b"".join(fields).ljust(_BLOCK, b"\0")
    return head[:148] + f"{sum(head):06o}\0 ".encode() + head[156:]


def _split(name: str) -> str:
    """Folder and name as the two fields take them, with a zero between; "" = they do not."""
    if len(name) <= _NAME_MAX:
        return f"\0{name}"
    cut = name.find("/", len(name) - _NAME_MAX - 1)
    return f"{name[:cut]}\0{name[cut + 1 :]}" if 0 < cut <= _FOLDER_MAX else ""
