"""Whose a volume is."""

from __future__ import annotations

import os
import pwd

from bucketline.errors import UsageError, printable


def owner_ids(name: str) -> tuple[int, int]:
    """The numbers of a user and of his group. Raises `UsageError`."""
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        said = "there is no such user; create him, or name another one"
        raise UsageError(f"--owner {printable(name)}: {said}") from None
    return entry.pw_uid, entry.pw_gid


def caller() -> str:
    """Who called us."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
