"""What who mends a fault has to see of a machine: versions, the file, runs; nothing secret."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

from bucketline import __version__
from bucketline.errors import LedgerError
from bucketline.flow.report.endpoints import as_records, endpoints_of
from bucketline.flow.report.notes import notes_of
from bucketline.flow.report.runs import RunRow, runs, troubles

_RUNS, _TOLD = 200, 30  # The newest; of so many of them also what went wrong.
_AUDIT_BYTES = 64 << 10
# A word whose name tells that it is secret, in YAML or JSON; and what stands in an address for a
# name and a password. What leads to a secret ({env: …}, {file: …}) is none, and is kept.
_WORD = (
    r"""["']?[\w-]*(?:secret|passw|passphrase|token|unlock|sse_c|(?:access|private|api)_?-?key)"""
)
_NAME = rf"""-?\s*{_WORD}[\w-]*["']?\s*:"""
_SECRET_WORD = re.compile(rf"(?im)^((?:[ \t]*#)*\s*{_NAME})[ \t]*+(?![{{|>]|$).*$")
_VALUE = r"""(?:"[^"\n]*"|'[^'\n]*'|[^\s,}"'][^,}\n]*)"""
_SECRET_AMONG = re.compile(rf"""(?i)([{{,]\s*{_WORD}[\w-]*["']?\s*:\s*)(?!\{{){_VALUE}""")
_SECRET_BLOCK = re.compile(rf"(?im)^([ \t]*)({_NAME})[ \t]*[|>].*(?:\n\1[ \t]+.*)+")
_IN_ADDRESS = re.compile(r"://[^/@\s]+@")
# Whoever knows the address of a hook may call it: it is a secret itself.
_HOOK = r"""(?im)((?:failed|waiting|complete)["']?\s*:\s*["']?https?://[^/\s"',}]*/)[^\s"',}]+"""
_HOOKED = re.compile(_HOOK)
_ASKED = re.compile(r"""(://[^\s"'?]+\?)[^\s"',}]+""")
_PEM = re.compile(r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|\Z)")
_HIDDEN = "••••"


class Sources(NamedTuple):
    """Where it is gathered."""

    state: Path
    config: Path
    variables: Iterable[str]  # Names alone.
    with_keys: bool  # Keys of objects as they are, not as hashes.
    masked: Callable[[str], str]  # A text without secrets that are known.


def pages(what: Sources) -> Iterator[tuple[str, str]]:
    """Files of the bundle by name; what cannot be read says why."""
    found = _Runs(what)
    parts: dict[str, Callable[[], str]] = {
        "machine.json": lambda: _json(_machine(what)),
        "config.yaml": lambda: without_secrets(what.config.read_text(errors="replace")),
        "runs.json": lambda: _json(found.all()),
        "troubles.json": lambda: _json(found.troubles()),
        "state.json": lambda: _json(list(_files(what.state))),
        "audit.jsonl": lambda: _end_of(what.state / "service" / "audit.jsonl"),
    }
    for name, part in parts.items():
        try:
            text = part()
        except (OSError, LedgerError) as error:
            text = f"cannot be read: {error}\n"
        yield name, what.masked(text)


def without_secrets(text: str) -> str:
    """A configuration in which nothing secret is left, although none should be there."""
    text = _PEM.sub(rf"\1 {_HIDDEN} \2", _SECRET_BLOCK.sub(rf"\1\2 {_HIDDEN}", text))
    text = _SECRET_WORD.sub(rf"\1 {_HIDDEN}", text)
    for secret in (_SECRET_AMONG, _HOOKED, _ASKED):
        text = secret.sub(rf"\1{_HIDDEN}", text)
    return _IN_ADDRESS.sub(f"://{_HIDDEN}@", text)


class _Runs:
    """What ledgers tell, with or without the names of objects."""

    def __init__(self, what: Sources) -> None:
        self._what = what
        self._rows = runs(what.state)

    def all(self) -> list[dict[str, Any]]:
        return [self._told(row) for row in self._rows[:_RUNS]]

    def troubles(self) -> list[dict[str, Any]]:
        """Of the newest: by cause, with one example each."""
        found = []
        for row in [row for row in self._rows if row.run][:_TOLD]:
            endpoints = as_records(endpoints_of(row))
            wrong = [self._trouble(asdict(one)) for one in troubles(row)]
            told = {"run": row.run, "errors": wrong, "endpoints": endpoints, "notes": notes_of(row)}
            found.append(told)
        return found

    def _told(self, row: RunRow) -> dict[str, Any]:
        more = {"version": row.version, "configuration": row.settings}
        return {"ledger": row.path.name, **row.as_json(), **more}

    def _trouble(self, told: dict[str, Any]) -> dict[str, Any]:
        if self._what.with_keys:
            return told
        key, name = told["key"], f"key-{sha256(told['key'].encode()).hexdigest()[:12]}"
        message = told["message"].replace(key, name) if key else told["message"]
        return told | {"key": name, "message": message}


def _machine(what: Sources) -> dict[str, Any]:
    packages = {one.metadata["Name"]: one.version for one in distributions()}
    return {
        "bucketline": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items())),
        "state": str(what.state),
        "config": str(what.config),
        "variables": sorted(what.variables),  # Which are set, and not to what.
    }


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        yield {
            "name": str(path.relative_to(folder)),
            "mode": oct(about.st_mode),
            "bytes": about.st_size,
            "changed": about.st_mtime,
        }


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _AUDIT_BYTES))
        return file.read().decode(errors="replace")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
