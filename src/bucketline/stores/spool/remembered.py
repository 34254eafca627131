"""Which volume was in which folder: so that the empty mount point of one is not taken for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bucketline.durable import replace_file
from bucketline.errors import DiskError

VERSION = 1


def volumes_known(memory: Path) -> dict[str, str]:
    """Folder -> the volume's own name. Raises `DiskError`."""
    try:
        told = json.loads(memory.read_bytes())
        return {str(folder): str(name) for folder, name in told["volumes"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        said = "does not say which volumes there were; move it away if they are all mounted"
        raise DiskError(f"{memory}: {said}") from None


def remember_volumes(memory: Path, known: Mapping[str, str]) -> None:
    """Raises `DiskError`."""
    replace_file(memory, json.dumps({"v": VERSION, "volumes": dict(known)}) + "\n")
