"""Which volume was in which folder: so that the empty mount point of one is not taken for it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from bucketline.durable import replace_file
from bucketline.errors import DiskError

VERSION = 1


def volumes_known(memory: Path) -> dict[str, str]:
    """Folder -> the volume's own name, of all that there ever were. Raises `DiskError`."""
    return _told(memory)[0]


def volumes_used(memory: Path) -> dict[str, str]:
    """The same of those that were named last: others are given up. Raises `DiskError`."""
    known, used = _told(memory)
    return {folder: name for folder, name in known.items() if folder in used}


def _told(memory: Path) -> tuple[dict[str, str], Collection[str]]:
    try:
        told = json.loads(memory.read_bytes())
        known = {str(folder): str(name) for folder, name in told["volumes"].items()}
        return known, told.get("used", known)
    except FileNotFoundError:
        return {}, ()
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        said = "does not say which volumes there were; move it away if they are all mounted"
        raise DiskError(f"{memory}: {said}") from None


def remember_volumes(memory: Path, used: Mapping[str, str]) -> None:
    """These are used, whichever there were before. Raises `DiskError`."""
    known, before = _told(memory)
    if {**known, **used} != known or set(before) != set(used):
        told = {"v": VERSION, "volumes": {**known, **used}, "used": list(used)}
        replace_file(memory, json.dumps(told) + "\n")
