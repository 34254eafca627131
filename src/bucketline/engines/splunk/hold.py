"""A legal hold: what was chosen is written down before anything is done, and cannot change.

The manifest is JSON lines: who, when and where; each chosen bucket with its objects as the archive
lists them; and how many there were. Its hash is the SHA-256 of the file.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bucketline import __version__
from bucketline.durable import replace_file
from bucketline.engines.splunk.planning import Planned
from bucketline.engines.splunk.records import Records
from bucketline.errors import LedgerError, Refused, UsageError
from bucketline.flow.ledger.rows import user_here

VERSION = 1
_CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_TOLD = 5


@dataclass(frozen=True, slots=True)
class Hold:
    """One case."""

    case: str
    path: Path
    buckets: int
    sha256: str


def check_case(case: str) -> None:
    """It becomes the name of a file."""
    if _CASE.fullmatch(case) is None:
        raise UsageError(f"{case!r} cannot name a case; take letters, digits, dots and dashes")


def freeze(
    folder: Path, case: str, chosen: Sequence[Planned], said: Mapping[str, Any], now: float
) -> Hold:
    """The case's manifest: made of this choice, or before, of the same one. Raises `Refused`."""
    if not chosen:
        raise Refused("nothing was begun: no bucket is chosen, so there is none to hold")
    path = folder / f"{case}.jsonl"
    lines = sorted(_line(_told(one)) for one in chosen)
    if path.exists():
        found = read(path)
        _compare(path, lines)
        return found
    made = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    head = {"event": "hold", "version": VERSION, "case": case, "made_at": made, **said}
    head |= {"user": user_here(), "host": socket.gethostname(), "program": __version__}
    _write(path, [_line(head), *lines])
    return read(path)


def holds(folder: Path) -> Iterator[Hold]:
    """All cases of a job. Raises `Refused`."""
    for path in sorted(folder.glob("*.jsonl")):
        yield read(path)


def held_by(folder: Path) -> dict[str, list[str]]:
    """The cases of each bucket that any names: whichever run it is, they hold. Raises `Refused`."""
    found: dict[str, list[str]] = {}
    for hold in holds(folder):
        for line in hold.path.read_bytes().splitlines()[1:-1]:
            found.setdefault(_named(line)[0], []).append(hold.case)
    return found


def mark(records: Records, held: Mapping[str, list[str]]) -> None:
    """What was restored before its case began is held by it, too."""
    for record in records.all():
        cases = held.get(f"{record.index}/{record.bucket}", [])
        if record.holds != cases:
            record.holds = cases
            records.put(record)


def read(path: Path) -> Hold:
    """Raises `Refused` if it is not what was written."""
    try:
        text = path.read_bytes()
        lines = text.splitlines()
        head, foot = json.loads(lines[0]), json.loads(lines[-1])
        version, case = int(head["version"]), str(head["case"])
        count, said = int(foot["buckets"]), str(foot["sha256"])
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, IndexError):
        raise Refused(f"{path}: is no manifest of a legal hold any more; look at it") from None
    if version > VERSION:
        raise Refused(f"{path}: is of a newer bucketline")
    if hashlib.sha256(b"".join(line + b"\n" for line in lines[:-1])).hexdigest() != said:
        raise Refused(f"{path}: is not what was written; look at who changed it")
    return Hold(case, path, count, hashlib.sha256(text).hexdigest())


def _told(one: Planned) -> dict[str, Any]:
    bucket = one.bucket
    # No storage class: what lies in an archive for a while is the same object.
    objects = [
        {
            "key": entry.key,
            "size": entry.size,
            "etag": entry.etag,
            "version": entry.version,
            "modified": entry.modified,
        }
        for entry in sorted(bucket.entries)
    ]
    name = bucket.name.text
    return {"index": bucket.index, "bucket": name, "bid": one.bid, "objects": objects}


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _compare(path: Path, lines: Sequence[bytes]) -> None:
    before = dict(map(_named, path.read_bytes().splitlines()[1:-1]))
    now = dict(map(_named, lines))
    differing = [f"{name} is not in the manifest" for name in sorted(now.keys() - before.keys())]
    differing += [f"{name} is not chosen any more" for name in sorted(before.keys() - now.keys())]
    differing += [
        f"the archive's objects of {name} are others"
        for name in sorted(now.keys() & before.keys())
        if now[name] != before[name]
    ]
    if differing:
        said = "; ".join(differing[:_TOLD])
        more = f"; and {len(differing) - _TOLD:,} more" if len(differing) > _TOLD else ""
        raise Refused(f"{path}: this is another choice, nothing was begun: {said}{more}")


def _named(line: bytes) -> tuple[str, Any]:
    told = json.loads(line)
    return f"{told['index']}/{told['bucket']}", told


def _write(path: Path, lines: Sequence[bytes]) -> None:
    """Whole or not at all, and nobody's to change."""
    text = b"".join(lines)
    foot = {"buckets": len(lines) - 1, "sha256": hashlib.sha256(text).hexdigest()}
    replace_file(path, (text + _line(foot)).decode(), 0o400)
