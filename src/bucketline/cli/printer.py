"""The only printer: results on stdout, everything else on stderr, and never a secret."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, TextIO

from bucketline.errors import DiskError
from bucketline.settings import Secret

_CHUNK_LINES = 4096
_SECRET_LENGTH_MIN = 6  # Hiding shorter ones would hide half of the text.
# Shapes of secrets that can reach a message from outside: URLs, headers, configuration.
_SHAPES = (
    (re.compile(r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"']+"), r"\1••••"),
    (re.compile(r"(?i)(authorization:\s*\S+\s+)[^\r\n]+"), r"\1••••"),
    (re.compile(r"(://)[^/\s@:]+:[^/\s@]+@"), r"\1••••@"),
    (
        re.compile(
            r"(?i)((?:secret_access_key|secret_key|session_token|password)\"?\s*[=:]\s*)"
            r"(?:\"[^\"]+\"|[A-Za-z0-9/+=_-]{6,})"
        ),
        r"\1••••",
    ),
)


class Printer:
    """Where text leaves the program."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def hide(self, *secrets: Secret) -> None:
        """Never let these through, whatever message they hide in."""
        self._secrets |= {s.reveal for s in secrets if len(s.reveal) >= _SECRET_LENGTH_MIN}

    def redacted(self, text: str) -> str:
        """A message without anything secret."""
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return self.masked(text)

    def result(self, text: str) -> None:
        """A line of what was asked for."""
        self.results((text,))

    def record(self, fields: Mapping[str, Any]) -> None:
        """The same for machines."""
        self.results((as_json(fields),))

    def results(self, lines: Iterable[str]) -> None:
        """Many lines, in big chunks."""
        lines = iter(lines)
        while chunk := list(islice(lines, _CHUNK_LINES)):
            self._write(self.masked("\n".join(chunk)) + "\n")
        self._write("")

    def raw(self, lines: Iterable[bytes]) -> None:
        """Lines whose every byte counts; they hold no secrets."""
        lines = iter(lines)
        while chunk := list(islice(lines, _CHUNK_LINES)):
            self._send(b"\n".join(chunk) + b"\n")
        self._send(b"")

    def notice(self, text: str) -> None:
        """A line for the person at the screen."""
        line = self.redacted(text) + "\n"
        try:
            sys.stderr.buffer.write(line.encode("utf-8", "backslashreplace"))
            sys.stderr.buffer.flush()
        except OSError:  # Nobody can be told that there is nobody to tell.
            hush(sys.stderr)

    def error(self, text: str) -> None:
        """What went wrong, each line of it marked so that logs can be searched."""
        for line in text.splitlines() or [""]:
            self.notice(f"bucketline: error: {line}")

    def _write(self, text: str) -> None:
        self._send(text.encode("utf-8", "backslashreplace"))

    def _send(self, text: bytes) -> None:
        try:
            sys.stdout.buffer.write(text)
            if not text:
                sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise DiskError(f"the output cannot be written: {error.strerror}") from None

    def masked(self, text: str) -> str:
        """A text without the secrets that are known here."""
        for secret in self._secrets:
            text = text.replace(secret, "••••")
        return text


def hush(stream: TextIO) -> None:
    """Its reader is gone: nothing more to say, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def as_json(fields: Mapping[str, Any]) -> str:
    """One object on one line."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
