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


def raws(path: Path) -> list[bytes]:
    """The raw text of each event; raises whatever the damage leads to."""
    data = unpacked(path)
    assert data[:1] == b"\x0a", "no header"
    found: list[bytes] = []
    at = 0

    def number() -> int:
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value += (byte % 128) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        opcode = data[at]
        at += 1
        if opcode == 10:
            at += 6
        elif opcode in (3, 4, 5, 6, 9):
            size = number()
            at += size
        elif 17 <= opcode <= 31:
            for mask in (8, 4, 2):
                if opcode & mask:
                    number()
            at += 4 if opcode & 1 else 0
        elif opcode in (1, 2) or 32 <= opcode <= 43:
            size = number()
            end = at + size
            extended = number() if opcode & 4 else 0
            at += 8 if opcode & 1 else 28
            for _ in range(4):
                number()
            for _ in range(number()):
                key = number()
                kind = 8 if opcode <= 2 else (key * 4 if opcode < 36 else key) % 16
                for _ in range(EXTRA[kind]):
                    number()
            at += extended
            assert at <= end <= len(data), "cut"
            found.append(data[at:end])
            at = end
        else:
            assert opcode in (0, 8, 11), f"opcode {opcode}"
    return found
