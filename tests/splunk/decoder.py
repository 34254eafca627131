"""A second decoder of journals, which shares nothing with the product: all at once, and simple."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

LEGACY = b"\x02\x21\x4c\x18"
EXTRA = {0: 1, 2: 1, 3: 2, 4: 2, 6: 2, 7: 3, 8: 1, 9: 1, 10: 1, 11: 2, 12: 3, 14: 2}


def unpacked(path: Path) -> bytes:
    body = path.read_bytes()
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    if body.startswith(LEGACY):
        return b"".join(legacy(body))
    for magic, codec in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x04\x22\x4d\x18", "lz4")):
        if body.startswith(magic):
            import pyarrow as pa

            with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
                return bytes(stream.readall())
    return body


def legacy(body: bytes) -> Iterator[bytes]:
    """Sequence by sequence, as the format says."""
    at = 0
    while at < len(body):
        if body[at : at + 4] == LEGACY:
            at += 4
            continue
        end = at + 4 + int.from_bytes(body[at : at + 4], "little")
        assert end <= len(body), "cut"
        yield block_of(body[at + 4 : end])
        at = end


def block_of(block: bytes) -> bytes:
    out, at = bytearray(), 0

    def length(start: int) -> int:
        nonlocal at
        while start >= 15 and block[at] == 255:
            start, at = start + 255, at + 1
        if start >= 15:
            start, at = start + block[at], at + 1
        return start

    while True:
        token, at = block[at], at + 1
        literals = length(token >> 4)
        out += block[at : at + literals]
        at += literals
        if at >= len(block):
            return bytes(out)
        back, at = int.from_bytes(block[at : at + 2], "little"), at + 2
        for _ in range(length(token & 15) + 4):
            out.append(out[-back])


class Reader:
    """Where it stands."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self) -> int:
        value, shift = 0, 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value += (byte % 128) << shift
            shift += 7
            if byte < 128:
                return value

    def event(self, opcode: int) -> bytes:
        size = self.number()
        end = self.at + size
        extended = self.number() if opcode & 4 else 0
        self.at += 8 if opcode & 1 else 28
        for _ in range(4):
            self.number()
        for _ in range(self.number()):
            key = self.number()
            kind = 8 if opcode <= 2 else (key * 4 if opcode < 36 else key) % 16
            for _ in range(EXTRA.get(kind, 0)):
                self.number()
        start, self.at = self.at + extended, end
        assert start <= end <= len(self.data), "cut"
        return self.data[start:end]


def raws(path: Path) -> list[bytes]:
    """The raw text of each event; raises whatever the damage leads to."""
    return raws_of(unpacked(path))


def raws_of(plain: bytes) -> list[bytes]:
    """The same of what is no longer compressed."""
    reader = Reader(plain)
    assert reader.data[:1] == b"\x0a", "no header"
    found: list[bytes] = []
    while reader.at < len(reader.data):
        opcode = reader.data[reader.at]
        reader.at += 1
        if opcode == 10:
            reader.at += 6
        elif opcode in (3, 4, 5, 6, 9):
            size = reader.number()
            reader.at += size
        elif 17 <= opcode <= 31:
            for mask in (8, 4, 2):
                if opcode & mask:
                    reader.number()
            reader.at += 4 if opcode & 1 else 0
        elif opcode in (1, 2) or 32 <= opcode <= 43:
            found.append(reader.event(opcode))
        else:
            assert opcode in (0, 8, 11), f"opcode {opcode}"
    return found
