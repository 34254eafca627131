"""The scripts' words of staging, as those of a relay of ours."""

from __future__ import annotations

from pathlib import Path

from bucketline.config.scripts.old import OldFile, Where
from bucketline.config.scripts.words import Staging

_VOLUMES: Where = ("destination", "staging_volumes")
HOME = Path("/tmp")  # noqa: S108 # Where the scripts had their volumes.
_BY_CONVENTION = "volume-[0-9][0-9]"  # What they used unasked.
_GIB = 1 << 30
_GIGABYTES_MAX = 100_000  # The first generation counted in them; nobody caps a pass at 100 KB.


def relay_of(old: OldFile) -> dict[str, object]:
    """What is said of staging; without volumes, nothing. Complaints are kept with the file."""
    staging = {word: where for where, word in _staging(old)}
    if not staging:
        return {}
    volumes = _volumes(old)
    found: dict[str, object] = {"volumes": volumes}
    for what in ("max_fetch", "max_send"):
        where = staging.get(what)
        if where is not None and (size := _size(old, where)):
            # A cap of each volume, in one pass; ours is of all of them.
            found[what] = size * (len(volumes) if what == "max_fetch" else 1)
    return found if volumes else {}


def _staging(old: OldFile) -> list[tuple[Where, str]]:
    return [(where, word.what) for where, word in old.said() if isinstance(word, Staging)]


def _volumes(old: OldFile) -> list[str]:
    told = old.value(_VOLUMES)
    named = told if isinstance(told, list) else ["default"] if told is None else [told]
    if not all(isinstance(one, str) and one for one in named):
        old.complain(_VOLUMES, "must be a list of folders, or [default]")
        return []
    if named != ["default"]:
        return [str(Path(one).absolute()) for one in named]
    return [str(path) for path in sorted(HOME.glob(_BY_CONVENTION)) if path.is_dir()]


def _size(old: OldFile, where: Where) -> int:
    told = old.value(where)
    if told is None:
        return 0
    if not isinstance(told, int) or isinstance(told, bool) or told < 0:
        old.complain(where, "must be a whole number: of bytes, or of GB as in the first files")
        return 0
    return told * _GIB if told < _GIGABYTES_MAX else told
