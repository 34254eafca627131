"""Files that appear whole or not at all, and files that vanish."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock

from bucketline.clock import Clock
from bucketline.errors import Broken, Conflict, Mismatch, StoreError, Unsupported
from bucketline.model import NOTHING, PLAIN, Attributes, Checksum
from bucketline.stores.base import Receipt
from bucketline.stores.local.attributes import HashMemory, keep, mtime_of, packed, stamp
from bucketline.stores.local.folders import Folder, Folders
from bucketline.stores.local.paths import brief_name, cause, is_lasting, new_mark
from bucketline.stores.local.proven import Told, write_proven
from bucketline.stores.local.sync import Failure

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
_ATTEMPTS = 3
_LASTING_SECONDS = 7 * 86_400  # So long somebody may come and go on with a file in parts.


class Place:
    """What all changes below one root share."""

    def __init__(self, root: str, hashes: HashMemory | None, clock: Clock) -> None:
        self.root = root
        self.name = root if root.endswith("/") else f"{root}/"
        self.folders = Folders(root)
        self.hashes = hashes
        self.clock = clock
        self.read_lately: dict[str, tuple[str, os.stat_result]] = {}  # By key: see read.py.
        self.keeps_attributes = True  # Until the file system says otherwise.


class Put:
    """A file on its way to its name. Its bytes gather in a file of ours in the same folder."""

    def __init__(self, place: Place, key: str, attributes: Attributes = PLAIN) -> None:
        self.place = place
        self.key = key
        self.attributes = attributes
        self.body: bytes | memoryview = b""
        self.told = Told()  # What the caller says of the body.
        self.etag = ""  # "" = nobody knows its MD5: other hashes were asked for.
        self.stamp = ""
        self.whole: Checksum | None = None  # Of parts, all of which were checked.
        self.size = 0
        self.if_absent = False
        self.is_flushed = False
        self.folder: Folder | None = None
        self.file = -1
        self.error: StoreError | None = None
        self.mark = ""  # Of the file of ours.
        self._path, self._name = split(key)
        self._temporary = ""
        self._time_before: int | None = None  # As whoever began it was told.
        self._changed: list[Folder] = []

    @property
    def receipt(self) -> Receipt:
        """The etag is that of the bytes which the file gave back after they were written, told only
        now that it is whole, on the disk and under its name. The system may have answered from its
        memory: what the medium holds, only a later reading shows.
        """
        return Receipt(self.etag, checksums=self.checksums, stamp=self.stamp)

    @property
    def checksums(self) -> Mapping[str, str]:
        """Of the same bytes, by the algorithm that the caller named."""
        told = self.whole or self.told.checksum
        return {told.algorithm: told.value} if told else NOTHING

    def fill(self, body: bytes | memoryview, told: Told) -> None:
        """Give it its whole content."""
        self.body, self.size, self.told = body, len(body), told

    def prepare(self) -> int:
        if self.file < 0:
            self.create()
            self.etag = write_proven(self.file, self.body, 0, self.told)
            self.body = b""
            self.set_time()
        return -1 if self.is_flushed else self.file

    @property
    def time(self) -> int | None:
        """That the file shall bear, in nanoseconds."""
        return self._time_before if self.attributes is PLAIN else mtime_of(self.attributes)

    def create(self, name: Callable[[str], str] = brief_name) -> None:
        """Make the file of ours; raises OSError, `Unholdable`."""
        text = packed(self.attributes, self.key)
        for attempt in range(1, _ATTEMPTS + 1):
            self.mark = new_mark()
            self._temporary = name(self.mark)
            try:
                self.folder, self._changed = self.place.folders.make(self._path)
                self.file = os.open(self._temporary, _NEW, 0o666, dir_fd=self.folder.fd)
                break
            except FileNotFoundError:  # The folder was removed, being empty for a moment.
                self.place.folders.forget()
                if attempt == _ATTEMPTS:
                    raise
        with suppress(OSError):  # Where there are no locks, nobody clears away files of ours.
            flock(self.file, LOCK_SH | LOCK_NB)
        if text and self.place.keeps_attributes:
            self.place.keeps_attributes = keep(self.file, text)

    def take_over(self, folder: Folder, file: int, name: str, size: int, time: int | None) -> None:
        """The file that another process has made, with its attributes."""
        self.folder, self.file, self._temporary = folder, file, name
        self.size, self._time_before = size, time

    def set_time(self) -> None:
        """After the last byte, which would set it again."""
        if (time := self.time) is not None:
            with suppress(OverflowError):  # A time that this file system cannot tell.
                os.utime(self.file, ns=(time, time))

    def write_alone(self) -> None:
        """Bring its bytes to the disk now: large ones, which others should not wait for."""
        try:
            self.prepare()
            os.fdatasync(self.file)
        except (OSError, StoreError) as failure:
            raise self.fail(failure) from None
        self.is_flushed = True

    def publish(self) -> Iterable[Folder]:
        assert self.folder is not None
        self.folder.expect_own(self._name)
        if self.if_absent:
            self._link(self.folder.fd)
        else:
            self._rename(self.folder.fd)
        self._temporary = ""
        return (self.folder, *self._changed)

    def confirm(self) -> None:
        """A reader finds it: the folder that we held open may have been moved meanwhile."""
        ours = os.fstat(self.file)
        try:
            there = os.lstat(self.place.name + self.key)
        except OSError:
            raise self._lost() from None
        if (ours.st_ino, ours.st_dev) != (there.st_ino, there.st_dev):
            raise self._lost()
        if there.st_size != self.size:
            raise Mismatch(
                f"it has {there.st_size} bytes, not {self.size}",
                store=self.place.name,
                key=self.key,
            )
        # Nobody else had it open before it had its name: these bytes are those of this state. (An
        # edit in place in the very tick of the clock that named it would pass for it.)
        self.stamp = stamp(ours)
        if self.place.hashes is not None and self.etag:
            self.place.hashes.remember(ours, self.etag)
        self._close()

    def fail(self, failure: Failure) -> StoreError:
        self.error = cause(failure, self.place.name, self.key)
        self.discard()
        return self.error

    def discard(self) -> None:
        """Forget what was gathered."""
        if self.folder is not None and self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary, dir_fd=self.folder.fd)
        self._temporary = ""
        self._close()
        if self._changed:
            self.place.folders.prune(self._path)

    def leave(self) -> None:
        """For another process, or a later pass of this one, to go on with."""
        self._close()

    def _close(self) -> None:
        if self.file >= 0:
            os.close(self.file)
        self.file = -1

    def _rename(self, folder: int) -> None:
        try:
            os.rename(self._temporary, self._name, src_dir_fd=folder, dst_dir_fd=folder)
        except IsADirectoryError as error:
            try:
                os.rmdir(self._name, dir_fd=folder)
            except OSError:
                raise error from None
            self.place.folders.forget()
            os.rename(self._temporary, self._name, src_dir_fd=folder, dst_dir_fd=folder)

    def _link(self, folder: int) -> None:
        try:
            os.link(self._temporary, self._name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            raise self._taken(folder) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise Unsupported(
                "this file system cannot write a file only if there is none",
                store=self.place.name,
                key=self.key,
            ) from error
        os.unlink(self._temporary, dir_fd=folder)

    def _taken(self, folder: int) -> StoreError:
        if modes.S_ISDIR(os.lstat(self._name, dir_fd=folder).st_mode):
            code = errno.EISDIR
            return cause(OSError(code, os.strerror(code)), self.place.name, self.key)
        return Conflict("there is a file of that name", store=self.place.name, key=self.key)

    def _lost(self) -> StoreError:
        self.place.folders.forget()
        return Broken("another file or none stands there now", store=self.place.name, key=self.key)


class Removal:
    """A file that vanishes, and the folders that it leaves empty."""

    def __init__(self, place: Place, key: str) -> None:
        self.place = place
        self.key = key
        self.folder: Folder | None = None
        self.error: StoreError | None = None

    def prepare(self) -> int:
        return -1

    def publish(self) -> Iterable[Folder]:
        path, name = split(self.key)
        try:
            if not self._unlink(path, name):
                self.place.folders.forget()  # The folder that we hold may be another by now.
                self._unlink(path, name)
        except (IsADirectoryError, NotADirectoryError):
            return ()  # There is no object of that name.
        except OSError as error:
            if error.errno == errno.ELOOP:
                return ()
            raise
        left = self.place.folders.prune(path)
        return () if left is None else (left,)

    def confirm(self) -> None: ...

    def fail(self, failure: Failure) -> StoreError:
        self.error = cause(failure, self.place.name, self.key)
        return self.error

    def _unlink(self, path: str, name: str) -> bool:
        try:
            folder = self.place.folders.get(path)  # Held: another thread may forget it.
            os.unlink(name, dir_fd=folder.fd)
        except FileNotFoundError:
            return False
        return True


def clear_away(place: Place, paths: Iterable[str]) -> None:
    """Remove files of ours whose owner is gone: the lock went with it. Those that others may go on
    with have some time left.
    """
    for path in paths:
        folder_path, name = split(path)
        with suppress(OSError):
            folder = place.folders.get(folder_path)
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
            try:
                age = place.clock.now() - os.fstat(file).st_mtime
                if is_lasting(name) and age <= _LASTING_SECONDS:
                    continue  # Unlocked: whoever comes to go on with it must not meet our lock.
                flock(file, LOCK_EX | LOCK_NB)
                os.unlink(name, dir_fd=folder.fd)
            finally:
                os.close(file)


def split(key: str) -> tuple[str, str]:
    """A key's folder, with its slash, and its name."""
    path, slash, name = key.rpartition("/")
    return path + slash, name
