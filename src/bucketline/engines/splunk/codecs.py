"""A journal's compression: told by its first bytes, undone in pieces, never cut in silence."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bucketline.errors import BucketlineError, UsageError

_PIECE = 1 << 20
_PIECE_PACKED = 64 << 10  # May grow a thousandfold.
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
_LEGACY_LZ4 = b"\x02\x21\x4c\x18"
_HEADER_OPCODE = 10
_NEEDED = "journals in zstd and lz4 need pyarrow; install bucketline[splunk]"


class Damaged(BucketlineError):
    """A journal whose bytes do not make sense."""

    exit_code = 3


def codec_of(head: bytes) -> str:
    """gzip, zstd, lz4 or none. Raises `Damaged`."""
    for magic, codec in _MAGIC.items():
        if head.startswith(magic):
            return codec
    if head.startswith(_LEGACY_LZ4):
        raise Damaged("the journal is in the legacy form of lz4, which is not understood")
    if head[:1] == bytes([_HEADER_OPCODE]):
        return "none"
    raise Damaged("the journal is empty" if not head else "the journal is in no known compression")


def pieces(path: Path) -> Iterator[bytes]:
    """What the journal holds, in pieces. Raises `Damaged` where it is cut or does not fit."""
    with path.open("rb") as file:
        codec = codec_of(file.read(4))
        file.seek(0)
        if codec == "none":
            yield from iter(lambda: file.read(_PIECE), b"")
        elif codec == "gzip":
            yield from _gzip(file)
        else:
            yield from _arrow(path, codec)


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    """Every member, each checked by its own CRC; one that does not end is damage."""
    member, rest, is_between = zlib.decompressobj(wbits=31), b"", True
    try:
        while data := rest or file.read(_PIECE_PACKED):
            if out := member.decompress(data):
                yield out
            rest, is_between = member.unused_data, member.eof
            if member.eof:
                member = zlib.decompressobj(wbits=31)
    except zlib.error as error:
        raise Damaged(f"the journal is damaged: {error}") from None
    if not is_between:
        raise Damaged("the journal ends in the middle of a slice")


def _arrow(path: Path, codec: str) -> Iterator[bytes]:
    try:
        arrow = importlib.import_module("pyarrow")
    except ImportError:
        raise UsageError(_NEEDED) from None
    try:
        with arrow.OSFile(str(path)) as file, arrow.CompressedInputStream(file, codec) as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except (OSError, ValueError) as error:
        raise Damaged(f"the journal is damaged: {str(error).splitlines()[0]}") from None
