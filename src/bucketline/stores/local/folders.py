"""Folders held open: each is reached from the root without passing a symbolic link."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from unicodedata import normalize

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_HELD_MAX = 256  # Each costs a file descriptor.


class Folder:
    """An open folder. It closes when nobody holds it: early, its number might be another's."""

    __slots__ = ("device", "fd", "path")

    def __init__(self, path: str, fd: int) -> None:
        self.path = path  # Below the root, with a slash at the end; "" = the root.
        self.fd = fd
        self.device = os.fstat(fd).st_dev

    def expect_own(self, name: str) -> None:
        """What stands there under `name`, if anything does, bears it, and not another one that this
        file system takes for it: other case, or accents written otherwise. Raises OSError.

        Else an object would take the place of another one, and both be told as done.
        """
        there = _look(name, self.fd)
        if there is not None and any(
            os.path.samestat(there, found)
            for other in _others(name)
            if (found := _look(other, self.fd)) is not None
        ):
            _expect_listed(name, self.fd)

    def __del__(self) -> None:
        os.close(self.fd)


class Folders:
    """The folders below one root, those lately used kept open. Safe in any thread."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._held: dict[str, Folder] = {}

    def forget(self) -> None:
        """Look again from now on: somebody may have moved a folder and put another in its place."""
        self._held.clear()

    def get(self, path: str) -> Folder:
        """The folder at `path` ("" or ending in "/"); raises OSError."""
        held = self._held.get(path)
        if held is not None:
            return held
        if not path:
            return self._hold("", Folder("", os.open(self.root, _FLAGS)))
        above, name = _split(path)
        above_fd = self.get(above)
        folder = Folder(path, os.open(name, _FLAGS | os.O_NOFOLLOW, dir_fd=above_fd.fd))
        above_fd.expect_own(name)
        return self._hold(path, folder)

    def make(self, path: str) -> tuple[Folder, list[Folder]]:
        """The folder at `path`, and those that now hold a new folder: they want an fsync."""
        held = self._held.get(path)
        if held is not None:
            return held, []
        try:
            return self.get(path), []
        except FileNotFoundError:
            if not path:
                _make_durably(Path(self.root))
                return self.get(""), []
        above, name = _split(path)
        folder, changed = self.make(above)
        # Another thread was faster, or a file is in the way, which `get` will say.
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder.fd)
        return self.get(path), [*changed, folder]

    def prune(self, path: str) -> Folder | None:
        """Remove the folder and those above it, as far as they are empty; the one that is left.

        Folders are no objects: one that stayed when its last object went would stand in the way of
        an object of its own name.
        """
        while path:
            above, name = _split(path)
            try:
                folder = self.get(above)
                os.rmdir(name, dir_fd=folder.fd)
            except OSError:
                break
            self._held.pop(path, None)
            path = above
        try:
            return self.get(path)
        except OSError:
            return None  # Gone by somebody else's hand.

    def _hold(self, path: str, folder: Folder) -> Folder:
        if len(self._held) >= _HELD_MAX:
            self._held.clear()
        self._held[path] = folder
        return folder


def _look(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.lstat(name, dir_fd=folder)
    except OSError:
        return None


def _others(name: str) -> set[str]:
    """Names that some file systems take for this one."""
    others = {name.swapcase()}
    if not name.isascii():
        others |= {normalize("NFC", name), normalize("NFD", name)}
    return others - {name}


def _expect_listed(name: str, folder: int) -> None:
    """What was found by that name does bear it."""
    fd = os.open(".", _FLAGS, dir_fd=folder)  # Listed twice at once, one would lack names.
    try:
        with os.scandir(fd) as found:
            if all(one.name != name for one in found):
                raise OSError(errno.ENOTUNIQ, os.strerror(errno.ENOTUNIQ))
    finally:
        os.close(fd)


def _split(path: str) -> tuple[str, str]:
    above, _, name = path[:-1].rpartition("/")
    return (above + "/" if above else ""), name


def _make_durably(path: Path) -> None:
    """Make a folder and those above it that are missing, such that a power cut leaves them."""
    if not path.parent.is_dir():
        _make_durably(path.parent)
    path.mkdir(exist_ok=True)
    fd = os.open(path.parent, _FLAGS)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
