"""A journal's compression: told by its first bytes, undone in pieces, never cut in silence."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from bucketline.engines.splunk import lz4_legacy
from bucketline.errors import BucketlineError, UsageError

_PIECE = 1 << 20
_PIECE_PACKED = 64 << 10  # May grow a thousandfold.
_LEGACY = "lz4-legacy"
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    lz4_legacy.MAGIC: _LEGACY,
}
_HEADER_OPCODE = 10
_NEEDED = "journals in zstd and lz4 need pyarrow; install bucketline[splunk]"


class Damaged(BucketlineError):
    """A journal whose bytes do not make sense."""

    exit_code = 3


def codec_of(head: bytes) -> str:
    """gzip, zstd, lz4, lz4-legacy or none. Raises `Damaged`."""
    for magic, codec in _MAGIC.items():
        if head.startswith(magic):
            return codec
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
        elif codec == _LEGACY:
            yield from _legacy(file)
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


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        raise UsageError(_NEEDED) from None


def _legacy(file: BinaryIO) -> Iterator[bytes]:
    codec = _pyarrow().Codec("lz4_raw")

    def unpack(block: bytes, size: int) -> bytes:
        return bytes(codec.decompress(block, decompressed_size=size, asbytes=True))

    try:
        yield from lz4_legacy.unpacked(file, unpack)
    except (OSError, ValueError) as error:
        raise Damaged(f"the journal is damaged: {error}") from None


def _arrow(path: Path, codec: str) -> Iterator[bytes]:
    arrow = _pyarrow()
    try:
        with arrow.OSFile(str(path)) as file, arrow.CompressedInputStream(file, codec) as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except (OSError, ValueError) as error:
        raise Damaged(f"the journal is damaged: {str(error).splitlines()[0]}") from None
