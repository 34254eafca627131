"""The entries of an inventory in key order: verified, filtered, sorted on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, TypeVar

from bucketline.errors import DiskError, UsageError, printable
from bucketline.flow.look.inventory.manifest import DataFile, Manifest
from bucketline.flow.look.inventory.place import Place, fetch, read_manifest
from bucketline.flow.look.inventory.rows import entries, sealed
from bucketline.flow.look.raw_pages import Caller
from bucketline.flow.look.sorting import Sorter
from bucketline.model import Entry

T = TypeVar("T")
Read = Callable[[Manifest, DataFile, IO[bytes]], Iterator[list[T]]]


class Inventory:
    """What stands where a listing would: all of it is read and verified before anything is told."""

    is_disordered = False

    def __init__(
        self,
        place: Place,
        bucket: str,
        prefix: str,
        drive: Caller,
        *,
        scratch: str | None = None,
        keep_versions: bool = False,
    ) -> None:
        self._place = place
        self._bucket = bucket
        self._prefix = prefix
        self._drive = drive
        self._scratch = scratch
        self._keep_versions = keep_versions
        self.notes: list[str] = []

    def pages(self) -> Iterator[list[Entry]]:
        """Each key once, in the order of the keys' UTF-8 bytes."""
        manifest = self._drive.call(read_manifest(self._place))
        if manifest.bucket != self._bucket:
            raise UsageError(
                f"{self._place.name}: the inventory of {printable(str(manifest.bucket))},"
                f" and the source is {printable(self._bucket)}; choose the one that belongs to it"
            )
        self.notes.append(f"source: as the inventory of {_date(manifest.made)} tells it")
        sorter = Sorter(self._scratch)
        try:
            for page in self._read(manifest):
                sorter.extend(page)
            yield from self._newest(sorter.blocks())
        finally:
            sorter.close()

    def _read(self, manifest: Manifest) -> Iterator[list[Entry]]:
        prefix, keep_versions = self._prefix, self._keep_versions
        for page in _files(self._place, manifest, self._drive, self._scratch, entries):
            kept = [entry for entry in page if entry.key.startswith(prefix)]
            yield kept if keep_versions else [one._replace(version="") for one in kept]

    def _newest(self, blocks: Iterator[list[Entry]]) -> Iterator[list[Entry]]:
        """An inventory is put together while the bucket changes: of twins, the newer one is true.

        Whether it is, the move finds out.
        """
        held: Entry | None = None
        twins = 0
        for block in blocks:
            page: list[Entry] = []
            for entry in block:
                if held is not None and held.key == entry.key:
                    twins += 1
                    held = max(held, entry, key=lambda one: one.modified)
                    continue
                if held is not None:
                    page.append(held)
                held = entry
            if page:
                yield page
        if held is not None:
            yield [held]
        if twins:
            self.notes.append(f"{twins:,} keys stood in the inventory twice; the newer one counted")


def told_by(
    place: Place, drive: Caller, *, scratch: str | None = None
) -> tuple[Manifest, Callable[[], Iterator[list[tuple[Entry, bool]]]]]:
    """For those who sort by themselves: pages in the inventory's order, twins and all.

    Each entry comes with whether its etag is none that could be compared.
    """
    manifest = drive.call(read_manifest(place))
    return manifest, lambda: _files(place, manifest, drive, scratch, sealed)


def _files(
    place: Place, manifest: Manifest, drive: Caller, scratch: str | None, read: Read[T]
) -> Iterator[list[T]]:
    """A file at a time: here whole, and what the manifest says, before any of it is told."""
    for file in manifest.files:
        try:
            body = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - closed below
        except OSError as error:
            raise DiskError(f"no temporary file for the inventory: {error.strerror}") from error
        with body:
            drive.call(fetch(place, file, body))
            body.seek(0)
            yield from read(manifest, file, body)


def _date(made: float) -> str:
    return f"{datetime.fromtimestamp(made, UTC):%Y-%m-%d %H:%M} UTC" if made else "an unknown day"
