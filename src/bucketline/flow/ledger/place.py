"""Where ledgers live: one file a job on a local disk, and one writer a file."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import socket
import struct
from pathlib import Path
from typing import Self

from bucketline.durable import sync_folder
from bucketline.errors import LedgerError, Refused, printable

SUFFIX = ".ledger"
_MOUNTS = Path("/proc/self/mountinfo")
# SQLite's locks and shared memory do not work there, or only until they do not.
_REMOTE = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|ncpfs|afs|9p|ceph|glusterfs|lustre|gpfs|beegfs|davfs|coda"
    r"|fuse\.(sshfs|rclone|s3fs|goofys|mount-s3|glusterfs|ceph.*|juicefs|davfs2?|gcsfuse)"
)


def job_path(state_folder: Path, command: str, source: str, target: str, name: str = "") -> Path:
    """The ledger of this job: the same file for the same words, which say where both sides are."""
    identity = json.dumps([command, source, target, name], ensure_ascii=False)
    digest = hashlib.sha256(identity.encode()).hexdigest()[:10]
    words = re.sub(
        r"[^a-z0-9]+", "-", " ".join(filter(None, (command, name, source, target))).lower()
    )
    return state_folder / f"{words.strip('-')[:80].strip('-')}-{digest}{SUFFIX}"


def prepare(path: Path) -> None:
    """A private file in a private folder on a local disk; its name survives a power cut."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_remote(path.parent)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            sync_folder(path.parent)
    except OSError as error:
        raise LedgerError(
            f"{path}: cannot hold a ledger there ({error.strerror}); choose another --state"
        ) from error


def refuse_remote(folder: Path, mounts: Path = _MOUNTS) -> None:
    """SQLite needs a local disk."""
    if not mounts.exists():
        return
    kind = mounted_as(mounts.read_text(errors="replace"), folder.stat().st_dev)
    if _REMOTE.fullmatch(kind):
        raise LedgerError(
            f"{folder}: a ledger needs a local disk, this one is {kind}; choose another --state"
        )


def mounted_as(mounts: str, device: int) -> str:
    """The type of the file system with this device number, by the kernel's list of mounts."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        mount, _, origin = line.partition(" - ")
        if mount.split()[2:3] == [wanted]:
            return origin.split()[0]
    return ""


class Lock:
    """The right to write a ledger. It ends with the process, however that ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, ledger: Path) -> Self:
        """Raises `Refused`, naming who has it."""
        path = _lock_path(ledger)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise LedgerError(f"{path}: {error.strerror}; choose another --state") from error
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WRITE_LOCK)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            if error.errno in (errno.EAGAIN, errno.EACCES):
                raise Refused(
                    f"{ledger.name}: this job runs already, as {holder}; wait for it or stop it"
                ) from None
            raise LedgerError(f"{path}: {error.strerror}; choose another --state") from error
        return cls(descriptor)

    def release(self) -> None:
        os.close(self._descriptor)


def is_locked(ledger: Path) -> bool:
    """Whether a process writes it now. It only asks: no writer is ever refused because of us."""
    try:
        descriptor = os.open(_lock_path(ledger), os.O_RDONLY)
    except OSError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WRITE_LOCK)
    finally:
        os.close(descriptor)
    kind: int = struct.unpack(_FLOCK, answer)[0]
    return kind != fcntl.F_UNLCK


# Locks of the open file and not of the process (as flock(2)'s), but ones that can be asked for.
_FLOCK = "hhqqi4x"
_WRITE_LOCK = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def _lock_path(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".lock")


def _holder(descriptor: int) -> str:
    words = os.pread(descriptor, 400, 0).decode(errors="replace").split()
    if len(words) != 2:
        return "a process that has just begun"
    return f"process {printable(words[0])} on {printable(words[1])}"
