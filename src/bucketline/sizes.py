"""Sizes and times, as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bucketline.errors import UsageError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """`10M` -> bytes; K, M, G and T are 1024-based."""
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < 1:
        raise UsageError(f"{text!r} is no size; write a number and K, M, G or T, as in 10M")
    return size


_PERIOD = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s?)?", re.IGNORECASE)


def parse_seconds(text: str) -> int:
    """`90`, `90s`, `15m`, `2h30m`, `1d` -> seconds."""
    match = _PERIOD.fullmatch(text.replace(" ", ""))
    days, hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else [0] * 4
    seconds = ((days * 24 + hours) * 60 + minutes) * 60 + rest
    if seconds < 1:
        raise UsageError(f"{text!r} is no length of time; write 90s, 15m, 2h30m or 1d")
    return seconds


def show_size(size: float) -> str:
    """12.3 MiB"""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} PiB"


def show_seconds(seconds: float) -> str:
    """3.2 s, 4 min 05 s, 2 h 03 min"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def show_moment(seconds: float) -> str:
    """2026-11-26 07:12 UTC"""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
