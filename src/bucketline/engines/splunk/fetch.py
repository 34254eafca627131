"""A whole bucket out of the archive into a folder, each object proven by what the archive tells."""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bucketline.clock import SystemClock
from bucketline.engines.splunk.archive import Archived
from bucketline.engines.splunk.codecs import Damaged, codec_of
from bucketline.engines.splunk.frames import checks_itself
from bucketline.errors import DiskError, Mismatch
from bucketline.flow.drive import Drive
from bucketline.flow.move.copy import MovePolicy, copy
from bucketline.flow.move.hashing import tells_md5, told_of
from bucketline.flow.move.pinned import PinnedSource
from bucketline.flow.move.proof import Learnt
from bucketline.flow.move.wanted import Fidelity
from bucketline.flow.proof.rehash import PART_SIZE, hashers
from bucketline.model import Copy, Entry, Found, Proof
from bucketline.settings import Location
from bucketline.stores import open_store
from bucketline.stores.base import Flow, Store, Together, Work
from bucketline.stores.beyond import first_part

_PIECE = 8 << 20
_AT_ONCE = 4
_SHA256 = "sha256"
CODEC = "codec-checksum"
_SUFFIXES = {"gzip": ".gz", "zstd": ".zst", "lz4": ".lz4", "lz4-legacy": ".lz4"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came, as it was then."""

    folder: Path
    hashes: Mapping[str, str]  # Path in the bucket -> SHA-256.
    proof: Proof  # The weakest by which any of it is shown to be the archive's.
    journal: str = ""  # The path of the whole journal, once its slices are one.
    unshown: frozenset[str] = frozenset()  # Paths of which the archive tells a size alone.

    @property
    def proven_by(self) -> str:
        """The weakest proof; of a journal of which nothing is told, its own compression's."""
        if self.proof is Proof.SIZE and self.unshown == {self.journal}:
            return CODEC if checks_itself(self.folder / self.journal) else self.proof.label
        return self.proof.label

    def check(self, *, only_journal: bool = False) -> None:
        """Raises `Mismatch` where the disk holds other bytes by now."""
        for path, wanted in self.hashes.items():
            if only_journal and path != self.journal:
                continue
            try:
                found = _hashed(self.folder / path, {})[_SHA256]
            except OSError:
                found = ""
            if found != wanted:
                raise _changed(self.folder / path)


class Came(NamedTuple):
    """One object on the disk, and by what it is shown to be the archive's."""

    sha256: str
    proof: Proof


def fetch(store: Store, drive: Drive, bucket: Archived, folder: Path) -> Fetched:
    """Every object, journals and the marks of deleted events alike. Raises `Mismatch`, `Stale`."""
    for entry in bucket.entries:
        path = bucket.within(entry)
        if ".." in path.split("/") or path.startswith("/"):
            raise DiskError(f"{entry.key}: leads out of its bucket")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{folder}: cannot be made ({error.strerror})") from None
    target = open_store(Location(str(folder), folder=str(folder)), clock=SystemClock())
    errands = [
        _one(PinnedSource(store, entry), entry, target, folder, bucket.within(entry))
        for entry in bucket.entries
    ]
    came = drive.call(_together(errands))
    names = [bucket.within(entry) for entry in bucket.entries]
    hashes = {name: one.sha256 for name, one in zip(names, came, strict=True)}
    proof = min((one.proof for one in came), key=lambda proof: proof.value, default=Proof.NONE)
    unshown = [name for name, one in zip(names, came, strict=True) if one.proof is Proof.SIZE]
    return Fetched(folder, hashes, proof, unshown=frozenset(unshown))


def joined(bucket: Archived, fetched: Fetched, aside: Path | None = None) -> Fetched:
    """The journal as one file: slices become one, in the order of their numbers.

    They are gone then, or kept aside.
    """
    names = [bucket.within(entry) for entry in bucket.journals]
    if len(names) == 1 and "journal" in names[0]:
        return replace(fetched, journal=names[0])
    slices = sorted((name for name in names if "journal" not in name), key=_number)
    whole, name = hashlib.sha256(), f"rawdata/journal{_suffix(fetched.folder / slices[0])}"
    with (fetched.folder / name).open("wb") as file:
        for one in slices:
            body = (fetched.folder / one).read_bytes()
            if hashlib.sha256(body).hexdigest() != fetched.hashes[one]:
                raise _changed(fetched.folder / one)
            whole.update(body)
            file.write(body)
        file.flush()
        os.fsync(file.fileno())
    for one in slices:
        if aside is None:
            (fetched.folder / one).unlink()
        else:
            (aside / one).parent.mkdir(parents=True, exist_ok=True)
            (fetched.folder / one).rename(aside / one)
    kept = {path: said for path, said in fetched.hashes.items() if path not in slices}
    hashes = {**kept, name: whole.hexdigest()}
    unshown = fetched.unshown - {*slices} | ({name} if fetched.unshown & {*slices} else set())
    return replace(fetched, hashes=hashes, journal=name, unshown=unshown)


def _suffix(path: Path) -> str:
    """By which Splunk tells how a journal is compressed."""
    with path.open("rb") as file, suppress(Damaged):  # Whoever decodes it says so.
        return _SUFFIXES.get(codec_of(file.read(4)), "")
    return ""


def _changed(path: Path) -> Mismatch:
    return Mismatch("the disk holds other bytes than were fetched; look at it", key=str(path))


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])


def _together(errands: list[Flow[Came]]) -> Flow[list[Came]]:
    came: list[Came] = yield Together(errands, _AT_ONCE)
    return came


def _one(source: Store, entry: Entry, target: Store, folder: Path, path: str) -> Flow[Came]:
    """One object across; what came as other bytes is fetched once more."""
    try:
        return (yield from _once(source, entry, target, folder, path))
    except Mismatch:
        return (yield from _once(source, entry, target, folder, path))


def _once(source: Store, entry: Entry, target: Store, folder: Path, path: str) -> Flow[Came]:
    """It goes across; then what the disk holds is held against what the archive tells of it.

    Of this source an etag that looks like an MD5 is one, whatever it has shown before: a bucket
    that was rebuilt of other bytes would be uploaded for good.
    """
    learnt = Learnt(source_tells_md5=source.able.etag_is_md5, source_tells_checksums=True)
    policy = MovePolicy(fidelity=Fidelity(tags=False), learnt=learnt)
    yield from copy(Copy(entry, path), source, target, policy)
    found = yield from source.stat(entry.key)
    told = yield from _told(found, source)
    made: dict[str, str] = yield Work(partial(_hashed, folder / path, told), name="hash")
    for name in (name for name in told if name in made):
        if made[name] != told[name]:
            said = f"the bytes that came do not agree with the archive's {name}, {told[name]}"
            raise Mismatch(said, store=source.name, key=entry.key)
        return Came(made[_SHA256], _proof_of(name))
    # Only its size is told. A second reading at least shows what the network changes.
    if (yield from _read_again(source, entry)) != made[_SHA256]:
        said = "each reading brings other bytes"
        raise Mismatch(said, store=source.name, key=entry.key)
    return Came(made[_SHA256], Proof.SIZE)


def shown(source: Store, entry: Entry, path: Path) -> Flow[Came | None]:
    """A file that somebody else brought; None = nothing shows that it is this object."""
    found = yield from source.stat(entry.key)
    told = yield from _told(found, source)
    try:
        made: dict[str, str] = yield Work(partial(_hashed, path, told), name="hash")
    except OSError:
        return None
    agree = [name for name in told if made.get(name) == told[name]]
    return Came(made[_SHA256], _proof_of(agree[0])) if agree else None


def differs(source: Store, key: str, path: Path) -> Flow[bool]:
    """Whether what is told of an object shows that a file has other bytes. Raises OSError."""
    found = yield from source.stat(key)
    told = yield from _told(found, source)
    made: dict[str, str] = yield Work(partial(_hashed, path, told), name="hash")
    return any(made[name] != told[name] for name in told if name in made)


def _proof_of(name: str) -> Proof:
    return Proof.ETAG if name == "md5" else Proof[name.upper().replace("-", "_")]


def _told(found: Found, source: Store) -> Flow[dict[str, str]]:
    """The hash of its bytes that the archive tells, as `hashers` names it; nothing = none."""
    entry, algorithm = found.entry, told_of(found)
    if algorithm is not None:
        with suppress(ValueError):  # Else it is no checksum at all.
            return {algorithm.name: b64decode(found.checksums[algorithm.name]).hex()}
    if tells_md5(found, source):
        return {"md5": entry.etag}
    if found.is_etag_opaque or not source.able.etag_is_md5 or "-" not in entry.etag:
        return {}
    size = yield from first_part(source, entry)
    if not size and entry.etag.endswith("-1"):
        size = entry.size
    return {"md5-parts": entry.etag, PART_SIZE: str(size)} if size else {}


def _hashed(path: Path, told: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of what the disk holds, and what else was told of it."""
    making = hashers({**told, _SHA256: ""})
    with path.open("rb") as file:
        while body := file.read(1 << 20):
            for hasher in making.values():
                hasher.update(body)
    return {name: hasher.hexdigest() for name, hasher in making.items()}


def _read_again(source: Store, entry: Entry) -> Flow[str]:
    sha256 = hashlib.sha256()
    for start in range(0, entry.size, _PIECE):
        size = min(_PIECE, entry.size - start)
        piece = yield from source.read(entry.key, start=start, size=size, etag=entry.pin)
        sha256.update(piece.body)
    return sha256.hexdigest()
