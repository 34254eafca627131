"""Whom a job tells how its runs end: a command, or an address on the web."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from bucketline.errors import StoreError
from bucketline.flow.drive import Drive
from bucketline.stores.base import Answer, Flow, Request, Route

STATES = ("failed", "waiting", "complete")
_SECONDS = 60.0  # A command that takes longer is ended.
_ROUTE = Route(connect_timeout_seconds=10, idle_timeout_seconds=20)

Hook = str | Sequence[str]  # A URL, or a command and its words; never a shell.


@dataclass(frozen=True, slots=True)
class Hooks:
    """By the state of the run. What goes wrong with one is told, and stops nothing."""

    by_state: Mapping[str, Hook] = field(default_factory=dict)

    def call(self, record: Mapping[str, Any], drive: Drive, say: Callable[[str], None]) -> None:
        """Tell of a run: its summary, as `--json` prints it."""
        hook = self.by_state.get(str(record["state"]))
        if not hook:
            return
        text = json.dumps(record, ensure_ascii=False).encode()
        trouble = _posted(hook, text, drive) if isinstance(hook, str) else _ran(hook, text)
        if trouble:
            say(f"the hook for {record['state']} runs: {trouble}; the run itself ended as it says")


def _posted(url: str, text: bytes, drive: Drive) -> str:
    place = "/".join(url.split("/", 3)[:3])  # What comes behind it may be a secret.
    try:
        answer = drive.call(_post(url, text))
    except StoreError:
        return f"{place} cannot be reached"
    return "" if answer.status < 300 else f"{place} answers {answer.status}"


def _post(url: str, text: bytes) -> Flow[Answer]:
    headers = ["Content-Type: application/json"]
    answer: Answer = yield Request("POST", url, headers, _ROUTE, text, "POST")
    return answer


def _ran(words: Sequence[str], text: bytes) -> str:
    try:
        done = subprocess.run(  # noqa: S603  The person's own words, and no shell.
            list(words), input=text, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{words[0]} took more than {_SECONDS:.0f} s"
    except OSError as error:
        return f"{words[0]} cannot be started ({error.strerror})"
    if not done.returncode:
        return ""
    said = ""
    with suppress(IndexError):
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1]
    return f"{words[0]} ended with {done.returncode}" + (f" ({said})" if said else "")
