"""What the head of an answer says."""

from __future__ import annotations

from collections.abc import Mapping

_KNOWN_LINES_MAX = 1_000
_known_lines: dict[bytes, tuple[str, str]] = {}
_PASSING = {"etag", "x-amz-request-id", "x-amz-version-id"}


def is_whole(lines: list[bytes]) -> bool:
    """Whether the last head ended by an empty line: libcurl takes an end in its middle for good."""
    starts = [number for number, line in enumerate(lines) if line.startswith(b"HTTP/")]
    return bool(starts) and any(line in {b"\r\n", b"\n"} for line in lines[starts[-1] :])


def headers_of(lines: list[bytes]) -> Mapping[str, str]:
    """The last header block: before it may stand those of a proxy or of "100 Continue"."""
    start = 0
    if b"\r\n" in lines[:-1]:
        start = max(number for number, line in enumerate(lines) if line[:5] == b"HTTP/")
    headers: dict[str, str] = {}
    for line in lines[start + 1 :]:
        name, value = _known_lines.get(line) or _pair(line)
        headers[name] = value
    headers.pop("", None)  # The empty line at the end.
    return headers


def _pair(line: bytes) -> tuple[str, str]:
    """A header's name and value. Most lines are the same in every answer: those are kept."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode("latin-1")
    name, _, value = text.partition(":")
    pair = (name.strip().lower(), value.strip())
    if pair[0] not in _PASSING:
        if len(_known_lines) >= _KNOWN_LINES_MAX:
            _known_lines.clear()
        _known_lines[line] = pair
    return pair
