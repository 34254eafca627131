"""Puts a run's log into a store: at once or not at all, under a name that no other run has."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

from bucketline.errors import BucketlineError, Conflict, Denied, DiskError, NotFound
from bucketline.model import PLAIN, Attributes
from bucketline.stores.base import Flow, Receipt, Store

_PIECE = 8 << 20  # What is in memory at once; a larger log crosses in parts of this size.
_HEAD = 200  # Bytes: enough to see whose a log is.
_NAMES = 1_000  # Runs that start in one second, and more.
_RUN = re.compile(rb'\{\s*"run": "([^"]*)"')
JSON = Attributes(headers={"content-type": "application/json"})


def name_of(epoch: int) -> str:
    """What the old tools look for."""
    return f"dt_data_{epoch}.json"


def written(pieces: Iterable[str]) -> IO[bytes]:
    """A temporary file without a name, holding these pieces; to be closed."""
    file = tempfile.TemporaryFile(prefix="bucketline-log-")  # noqa: SIM115 - the caller closes it
    try:
        for piece in pieces:
            file.write(piece.encode())
        file.flush()
    except OSError as error:
        file.close()
        raise DiskError(
            f"{tempfile.gettempdir()}: cannot hold the log ({error.strerror}); make room there"
        ) from error
    except BaseException:
        file.close()
        raise
    return file


@dataclass(slots=True)
class Shelf:
    """Where logs are kept."""

    store: Store
    prefix: str = ""  # "" or with a slash at its end.
    attributes: Attributes = PLAIN
    _names: dict[str, str] = field(default_factory=dict)  # key -> the run whose log it is.

    def put(self, run: str, epoch: int, file: IO[bytes]) -> Flow[str]:
        """The log under its own name: that of its second, or of the next one that is free.

        Whose a log is, its first line says: so a run finds its own again, whoever looks, and two
        that began in the same second never write over each other.
        """
        for number in range(epoch, epoch + _NAMES):
            key = self.prefix + name_of(number)
            holder = yield from self._holder(key)
            if holder is None and not (yield from self._claimed(key, run)):
                continue
            if holder in (None, run):
                self._names[key] = run
                yield from self._write(key, file)
                return key
        raise Conflict("all names of its time are taken", store=self.store.name, key=key)

    def _holder(self, key: str) -> Flow[str | None]:
        """The run that this log is of; "" = it is not one of ours, None = there is none."""
        try:
            piece = yield from self.store.read(key, start=0, size=_HEAD)
        except NotFound:
            return None
        except Denied:  # Whoever may only write is told so of what is not there, too.
            return self._names.get(key)
        found = _RUN.match(piece.body)
        return found[1].decode(errors="replace") if found else ""

    def _claimed(self, key: str, run: str) -> Flow[bool]:
        """Whether the name is ours now: where the store can, it decides between two at once."""
        if not self.store.able.conditional_write:
            return True
        claim = f'{{"run": "{run}", "status": "Running", "objects_moved": []}}\n'.encode()
        try:
            yield from self.store.write(key, claim, attributes=self.attributes, if_absent=True)
        except Conflict:
            return False
        return True

    def _write(self, key: str, file: IO[bytes]) -> Flow[Receipt]:
        size = file.seek(0, 2)
        file.seek(0)
        if size <= _PIECE:
            body = file.read()
            return (yield from self.store.write(key, body, attributes=self.attributes))
        upload = yield from self.store.begin(key, size, attributes=self.attributes)
        try:
            etags: list[str] = []
            for offset in range(0, size, _PIECE):
                part = (key, upload, len(etags) + 1, file.read(_PIECE))
                receipt = yield from self.store.part(*part, offset=offset)
                etags.append(receipt.etag)
            return (yield from self.store.finish(key, upload, etags))
        except BucketlineError:
            yield from self.store.abandon(key, upload)
            raise
