"""A second decoder of journals, which shares nothing with the product: all at once, and simple."""

from __future__ import annotations

import gzip
from pathlib import Path

EXTRA = {0: 1, 2: 1, 3: 2, 4: 2, 6: 2, 7: 3, 8: 1, 9: 1, 10: 1, 11: 2, 12: 3, 14: 2}


def unpacked(path: Path) -> bytes:
    body = path.read_bytes()
    if body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    for magic, codec in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x04\x22\x4d\x18", "lz4")):
        if body.startswith(magic):
            import pyarrow as pa

            with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
                return bytes(stream.readall())
    return body


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
