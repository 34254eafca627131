"""Lists a folder in key order, a page at a time, in memory bounded by its largest folder."""

from __future__ import annotations

import os
import stat as modes
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bucketline.errors import BadListing, BucketDenied, NoBucket, printable
from bucketline.stores.local.paths import is_ours, why_unholdable

_LEFTOVERS_MAX = 1_000
_REFUSED_MAX = 100_000
_REGULAR = modes.S_IFREG


@dataclass(slots=True)
class Notices:
    """What a listing met that is no object."""

    refused: dict[str, str] = field(default_factory=dict)  # A path as text -> why.
    leftovers: set[str] = field(default_factory=set)  # Unfinished files of ours, or another's.

    def refuse(self, path: str, why: str) -> None:
        name = printable(path.encode(errors="surrogateescape").decode(errors="backslashreplace"))
        self.refused[name] = f"{why}, nor does anything in it" if name.endswith("/") else why
        if len(self.refused) > _REFUSED_MAX:
            raise BadListing(f"more than {_REFUSED_MAX:,} files in it can be no objects")

    def begin(self, prefix: str) -> None:
        """A listing of `prefix` will tell anew."""
        shown = printable(prefix)
        self.refused = {
            name: why for name, why in self.refused.items() if not name.startswith(shown)
        }


class _Level(NamedTuple):
    """A folder that is being listed."""

    path: str  # Below the root, with a slash at the end; "" = the root.
    names: list[str]  # What is left of it, last first; folders have a slash at the end.


class Walk:
    """One listing under way. Folder names sort as "name/", so that whole keys come in order."""

    def __init__(self, root: str, prefix: str, after: str, notices: Notices) -> None:
        self._root = root if root.endswith("/") else f"{root}/"
        self._after = after
        self._notices = notices
        self._identity = self._look_at_root()
        self._levels: list[_Level] = []
        start, _, name = prefix.rpartition("/")
        start = f"{start}/" if start or prefix.startswith("/") else ""
        if self._is_folder(start):
            names = self._names(start)
            if name:
                names = [other for other in names if other.startswith(name)]
            self._levels.append(_Level(start, names))

    def files(self, count: int) -> tuple[list[str], list[os.stat_result]]:
        """The keys of the next `count`, and what they are; fewer = the listing has ended."""
        keys: list[str] = []
        found: list[os.stat_result] = []
        levels, root = self._levels, self._root
        while levels and len(found) < count:
            path, names = levels[-1]
            if not names:
                levels.pop()
                continue
            key = path + names.pop()
            if key[-1] == "/":
                levels.append(_Level(key, self._names(key)))
                continue
            try:
                status = os.lstat(root + key)
            except FileNotFoundError:
                continue  # Deleted since.
            except OSError as error:
                raise self._broken(key, error) from error
            if status.st_mode & 0o170000 == _REGULAR:
                found.append(status)
            elif linked := self._linked(key, status):
                found.append(linked)
            else:
                continue
            keys.append(key)
        if not levels and self._look_at_root() != self._identity:
            raise BadListing("the folder was unmounted or replaced under way", store=self._root)
        return keys, found

    def _names(self, path: str) -> list[str]:
        """What the folder holds, sorted, last first; vanished folders hold nothing."""
        try:
            with os.scandir(self._root + path) as found:
                names = [
                    f"{one.name}/" if one.is_dir(follow_symlinks=False) else one.name
                    for one in found
                ]
        except (FileNotFoundError, NotADirectoryError):
            return []  # Deleted since; a vanished root shows at the end.
        except OSError as error:
            raise self._broken(path, error) from error
        names = [name for name in names if self._is_object(path, name)]
        if self._after:
            names = [name for name in names if self._is_after(path + name)]
        names.sort(reverse=True)
        return names

    def _is_object(self, path: str, name: str) -> bool:
        if is_ours(name):
            if len(self._notices.leftovers) < _LEFTOVERS_MAX:
                self._notices.leftovers.add(path + name)
            return False
        if name.isascii() and len(path) + len(name) < 1_000:
            return True
        why = why_unholdable((path + name).removesuffix("/"), len(self._root))
        if why:
            self._notices.refuse(path + name, why)
        return not why

    def _is_after(self, key: str) -> bool:
        return key > self._after or (key[-1] == "/" and self._after.startswith(key))

    def _linked(self, key: str, status: os.stat_result) -> os.stat_result | None:
        """The file that a link stands for, if it lies within the root."""
        if not modes.S_ISLNK(status.st_mode):
            self._notices.refuse(key, "it is no regular file")
            return None
        real, root = os.path.realpath(self._root + key), os.path.realpath(self._root)
        try:
            there = os.lstat(real)
        except OSError:
            self._notices.refuse(key, "it is a symbolic link to nothing")
            return None
        if not modes.S_ISREG(there.st_mode):
            self._notices.refuse(key, "it is a symbolic link to a folder; those are not followed")
        elif not real.startswith(root.rstrip("/") + "/"):
            self._notices.refuse(key, "it is a symbolic link out of the folder")
        else:
            return there
        return None

    def _is_folder(self, path: str) -> bool:
        """Whether a listing may begin there: a path of real folders, no link among them."""
        if not path:
            return True
        if why_unholdable(path[:-1], len(self._root)):
            return False
        names = path[:-1].split("/")
        for count in range(1, len(names) + 1):
            try:
                status = os.lstat(self._root + "/".join(names[:count]))
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError as error:
                raise self._broken(path, error) from error
            if not modes.S_ISDIR(status.st_mode):
                return False
        return True

    def _look_at_root(self) -> tuple[int, int]:
        try:
            status = Path(self._root).stat()
        except (FileNotFoundError, NotADirectoryError):
            raise NoBucket("there is no such folder", store=self._root) from None
        except OSError as error:
            raise self._broken("", error) from error
        return status.st_dev, status.st_ino

    def _broken(self, path: str, error: OSError) -> BucketDenied | BadListing:
        """An incomplete listing is none: what it leaves out would look deleted."""
        if isinstance(error, PermissionError):
            return BucketDenied("permission denied: cannot list it", store=self._root, key=path)
        return BadListing(f"cannot list it: {error.strerror}", store=self._root, key=path)
