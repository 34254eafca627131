"""Whether a journal's compression checks itself: a damaged byte of such a one cannot be decoded.

gzip always does. Frames of zstd and lz4 do where whoever wrote them wished so, which each frame's
head says; the legacy form of lz4, and what is not compressed, never do.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bucketline.engines.splunk.codecs import codec_of

_SKIPPED = range(0x184D2A50, 0x184D2A60)
_ZSTD, _LZ4 = 0xFD2FB528, 0x184D2204
_ZSTD_CHECKSUM, _ZSTD_SINGLE, _RLE = 0x04, 0x20, 1
_LZ4_OF_BLOCKS, _LZ4_SIZE, _LZ4_CHECKSUM, _LZ4_DICTIONARY = 0x10, 0x08, 0x04, 0x01


class _Unclear(Exception):
    """It is not laid out as it should be."""


def checks_itself(path: Path) -> bool:
    """Of a journal that was decoded to its end."""
    with path.open("rb") as file:
        codec = codec_of(file.read(4))
        file.seek(0)
        if codec not in ("zstd", "lz4"):
            return codec == "gzip"
        try:
            return all(iter(lambda: _frame(file), None))
        except _Unclear:
            return False


def _frame(file: BinaryIO) -> bool | None:
    """Whether the next one has a checksum; None = there is none."""
    head = file.read(4)
    if not head:
        return None
    magic = int.from_bytes(head, "little")
    if magic in _SKIPPED:
        file.seek(_number(file, 4), 1)
        return True
    if magic == _ZSTD:
        return _zstd(file)
    if magic == _LZ4:
        return _lz4(file)
    raise _Unclear


def _zstd(file: BinaryIO) -> bool:
    told = _number(file, 1)
    is_single, is_checked = bool(told & _ZSTD_SINGLE), bool(told & _ZSTD_CHECKSUM)
    size = (1 if is_single else 0, 2, 4, 8)[told >> 6]
    file.seek((0, 1, 2, 4)[told & 3] + size + (not is_single), 1)
    is_last = False
    while not is_last:
        block = _number(file, 3)
        is_last = bool(block & 1)
        file.seek(1 if block >> 1 & 3 == _RLE else block >> 3, 1)
    file.seek(4 * is_checked, 1)
    return is_checked


def _lz4(file: BinaryIO) -> bool:
    told = _number(file, 1)
    of_blocks, is_checked = bool(told & _LZ4_OF_BLOCKS), bool(told & _LZ4_CHECKSUM)
    file.seek(2 + 8 * bool(told & _LZ4_SIZE) + 4 * bool(told & _LZ4_DICTIONARY), 1)
    while block := _number(file, 4):
        file.seek((block & 0x7FFFFFFF) + 4 * of_blocks, 1)
    file.seek(4 * is_checked, 1)
    return is_checked or of_blocks


def _number(file: BinaryIO, size: int) -> int:
    found = file.read(size)
    if len(found) < size:
        raise _Unclear
    return int.from_bytes(found, "little")
