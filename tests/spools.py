"""A spool for tests: volumes that are folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bucketline.flow.drive import blocking
from bucketline.stores.spool import Marks, Spool, load, open_volume


def spool_on(home: Path, names: Sequence[str], *, marks: Marks | None = None) -> Spool:
    """The spool on these volumes of a folder, as an earlier one left it."""
    volumes = []
    for name in names:
        folder = home / name
        folder.mkdir(exist_ok=True)
        volumes.append(open_volume(folder, "job", marks=marks))
    spool = Spool(volumes)
    blocking(load(spool))
    return spool
