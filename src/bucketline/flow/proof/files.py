"""Proofs as files: written whole or not at all, read once for the verdict and again for more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bucketline.durable import whole_file
from bucketline.errors import DiskError, Refused, UsageError
from bucketline.flow.proof.reading import Reading
from bucketline.flow.report.delivered import Delivered


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """How many lines there are; the file appears when all of them are on the disk."""
    count = 0
    with whole_file(path) as file:
        for line in lines:
            file.write(line + b"\n")
            count += 1
    return count


def read_proof(path: Path, *, signer: str = "", wanted: str = "") -> Reading:
    """Read to its end: what it says, and what is wrong with it."""
    try:
        with path.open("rb") as file:
            reading = Reading(file, signer=signer, wanted=wanted)
            for _ in reading.objects():
                pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    return reading


def reread(path: Path, reading: Reading) -> Iterator[Delivered]:
    """The objects of a file that was found to be in order; raises `Refused` if it changed since."""
    try:
        with path.open("rb") as file:
            again = Reading(file)
            yield from again.objects()
    except OSError as error:
        raise DiskError(f"{path}: cannot be read ({error.strerror})") from None
    if again.problem_count or again.foot != reading.foot:
        raise Refused(f"{path}: changed while it was used; start again")
