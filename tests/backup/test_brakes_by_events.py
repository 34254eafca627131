"""Events come in drops: what they bring in many passes is held against the brakes as one burst."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from backup.test_backup_events import Told
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
_COUNT = 24


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    vault = Told(tmp_path, moto, capsys)
    for number in range(_COUNT):
        vault.put(f"folder/{number:02}", b"A line of plain text; number %d.\n" % number * 90)
    return vault


def scramble(vault: Told, numbers: range) -> None:
    for number in numbers:
        vault.put(f"folder/{number:02}", random.Random(number).randbytes(3_000))


def list_next(vault: Told) -> None:
    """The next run lists all, though it is not due: it knows of no listing before."""
    next(vault.here.rglob("*.events")).unlink()


def test_what_looks_encrypted_counts_on_over_small_passes(vault: Told) -> None:
    vault.hear()
    allowed = ("--max-replaced", "100%")
    scramble(vault, range(6))
    assert vault.hear(*allowed)[-1]["done"] == 6
    before = vault.bodies()
    scramble(vault, range(6, 12))

    vault.hear(*allowed, code=7)

    assert vault.bodies() == before
    list_next(vault)
    vault.hear(*allowed, "--max-scrambled", "50%")
    assert vault.bodies() == vault.bodies(vault.bucket)


def test_a_share_of_what_events_change_is_of_what_lives(vault: Told) -> None:
    """Of the last listing: the catalogue tells of all that ever was."""
    for number in range(60):
        vault.put(f"old/{number:02}", b"x")
    vault.hear()
    vault.drop(*(f"old/{number:02}" for number in range(60)))
    list_next(vault)
    vault.hear("--max-vanished", "100%")
    for number in range(12):
        vault.put(f"folder/{number:02}", b"another one %d" % number)

    vault.hear(code=7)

    list_next(vault)
    vault.hear("--max-replaced", "50%")
    assert vault.bodies().items() >= vault.bodies(vault.bucket).items()


def test_what_events_brought_under_odd_names_is_no_old_friend_of_the_listing(vault: Told) -> None:
    """Events copy what is new at once, and only the listing finds what vanished for it."""
    vault.hear()
    for number in range(12):
        vault.drop(f"folder/{number:02}")
        vault.put(f"folder/{number:02}.locked", b"%d" % number)
    assert vault.hear()[-1]["done"] == 12
    list_next(vault)

    vault.hear("--max-vanished", "100%", code=7)

    assert vault.deleted() == set()
    vault.hear("--max-vanished", "100%", "--max-scrambled", "50%")
    assert len(vault.deleted()) == 12
