"""Journals by hand: an encoder that shares nothing with the product, and plain events."""

from __future__ import annotations

import gzip
import hashlib
import random
import struct
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

CODECS = ("none", "gzip", "zstd", "lz4", "lz4-legacy")
SUFFIX = {"none": "", "gzip": ".gz", "zstd": ".zst", "lz4": ".lz4", "lz4-legacy": ".lz4"}
SLICE = 131_072
HEADER = b"\x0a\x03\x00" + struct.pack("<i", 1_651_669_557)


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def lines(count: int, seed: int = 0) -> Iterator[bytes]:
    pick = random.Random(seed)
    for number in range(count):
        yield f"event {number} user={pick.randrange(10**6)} {'x' * pick.randrange(40)}".encode()


def named(opcode: int, text: str) -> bytes:
    return bytes([opcode]) + uvarint(len(text.encode())) + text.encode()


def event(raw: bytes, number: int, opcode: int = 33) -> bytes:
    """One event with two pairs of metadata, in the way of its opcode."""
    extended = b"ext" if opcode & 4 else b""
    head = uvarint(len(extended)) if opcode & 4 else b""
    head += b"" if opcode & 1 else hashlib.sha1(raw).digest()
    head += struct.pack("<Q", number) + uvarint(number * 100) + uvarint(0)
    head += uvarint((number % 500) * 2) + uvarint(number % 1000) + uvarint(2)
    if opcode <= 2:
        head += uvarint(5) + uvarint(1) + uvarint(6) + uvarint(2)
    elif opcode < 36:  # Types 0 (one number) and 4 (two).
        head += uvarint(8) + uvarint(1) + uvarint(9) + uvarint(2) + uvarint(3)
    else:  # Types 0 (one number) and 12 (three).
        head += uvarint(16) + uvarint(1) + uvarint(28) + uvarint(2) + uvarint(3) + uvarint(4)
    body = head + extended + raw
    return bytes([opcode]) + uvarint(len(body)) + body


def slices(raws: Iterable[bytes], opcodes: Sequence[int] = (33,)) -> Iterator[bytes]:
    """Uncompressed slices, each about as large as Splunk's."""
    out = bytearray(HEADER)
    out += named(3, "host::web-1") + named(4, "source::/var/log/a") + named(5, "sourcetype::plain")
    out += named(6, "other") + b"\x09" + uvarint(3) + b"abc" + b"\x00\x0b\x08"
    out += b"\x1f" + uvarint(1) * 3 + struct.pack("<i", 1_651_669_557)
    for number, raw in enumerate(raws):
        out += event(raw, number, opcodes[number % len(opcodes)])
        if len(out) > SLICE:
            yield bytes(out)
            out.clear()
    if out:
        yield bytes(out)


def packed(plain: bytes, codec: str) -> bytes:
    if codec == "none":
        return plain
    if codec == "gzip":
        return gzip.compress(plain, mtime=0)
    if codec == "lz4-legacy":
        block = bytes(pa.Codec("lz4_raw").compress(plain, asbytes=True))
        return b"\x02\x21\x4c\x18" + struct.pack("<I", len(block)) + block
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(plain)
    return bytes(sink.getvalue())


def journal(
    count: int, codec: str = "zstd", *, seed: int = 0, opcodes: Sequence[int] = (33,)
) -> bytes:
    """Each slice is compressed by itself, as Splunk does."""
    return b"".join(packed(plain, codec) for plain in slices(lines(count, seed), opcodes))


def digest(raws: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for raw in raws:
        found.update(struct.pack(">Q", len(raw)) + raw)
    return found.hexdigest()
