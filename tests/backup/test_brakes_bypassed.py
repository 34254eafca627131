"""What could have got round a brake: old losses as a base, a second start, a new look."""

from __future__ import annotations

from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.clock import SystemClock
from bucketline.engines.backup import Backup, BackupPolicy, Catalogue
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.drive import open_drive
from bucketline.model import Copy
from servers import Endpoint
from shelf import shelf

pytestmark = pytest.mark.usefixtures("surroundings")
_COUNT = 24


@pytest.fixture
def vault(moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Vault:
    vault = Vault(tmp_path, moto, capsys)
    for number in range(_COUNT):
        vault.put(f"folder/{number:02}", b"%d" % number)
    return vault


def rename(vault: Vault) -> None:
    """As somebody does who scrambles files and has the time to."""
    for number in range(12):
        vault.drop(f"folder/{number:02}")
        vault.put(f"folder/{number:02}.locked", b"%d" % number)


def test_a_share_is_of_what_is_there_and_not_of_all_that_ever_was(vault: Vault) -> None:
    """A backup keeps what vanished: after years, all that lives is a small part of it."""
    for number in range(60):
        vault.put(f"old/{number:02}", b"x")
    vault.back_up()
    vault.drop(*(f"old/{number:02}" for number in range(60)))
    vault.back_up("--max-vanished", "100%")
    vault.drop(*(f"folder/{number:02}" for number in range(12)))

    vault.back_up(code=7)

    assert vault.deleted() == {f"old/{number:02}" for number in range(60)}
    vault.back_up("--max-vanished", "49%", code=7)
    vault.back_up("--max-vanished", "50%")


def test_a_second_start_does_not_take_what_looks_encrypted_for_old(vault: Vault) -> None:
    vault.back_up()
    rename(vault)

    for _ in range(2):
        vault.back_up("--max-vanished", "100%", "--workers", "1", code=7)
        assert vault.deleted() == set()

    vault.back_up("--max-vanished", "100%", "--max-scrambled", "50%")
    assert vault.bodies().items() >= vault.bodies(vault.bucket).items()
    assert len(vault.deleted()) == 12


def test_two_odd_names_of_what_vanished_are_one_loss(vault: Vault) -> None:
    """A share of 100 % must let all through, whatever was made of it."""
    vault.back_up()
    rename(vault)
    for number in range(12):
        vault.put(f"folder/{number:02}.enc", b"%d" % number)
    allowed = ("--max-vanished", "100%", "--max-scrambled")

    vault.back_up(*allowed, "11", code=7)
    vault.back_up(*allowed, "12")

    assert len(vault.deleted()) == 12


def test_what_names_tell_counts_with_versions_too(
    ministack: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vault = Vault(tmp_path, ministack, capsys)
    for bucket in (vault.bucket, vault.backup_bucket):
        vault.client.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
        )
    for number in range(_COUNT):
        vault.put(f"folder/{number:02}", b"%d" % number)
    vault.back_up("--versions")
    rename(vault)
    allowed = ("--versions", "--max-vanished", "100%", "--max-replaced", "100%")

    vault.back_up(*allowed, code=7)

    assert vault.keys() == {f"folder/{number:02}" for number in range(_COUNT)}
    vault.back_up(*allowed, "--max-scrambled", "50%")
    assert vault.keys() == vault.keys(vault.bucket)


def test_what_a_window_copies_again_is_no_burst(vault: Vault) -> None:
    """It is what it was: the old rule copies it for its time alone."""
    vault.back_up("--window", "48")
    vault.put("folder/00", b"another one")

    assert vault.back_up("--window", "48")["done"] == _COUNT

    for number in range(11):
        vault.put(f"folder/{number:02}", b"yet another %d" % number)
    vault.back_up("--window", "48", code=7)


def test_a_new_start_of_the_look_keeps_what_was_held() -> None:
    """A target that proves to be without order late: what was to be written over is, once."""
    source, target = shelf("a b c d e f g h"), shelf("a c e b g f", unsorted=True)
    target.put("a", b"was another one")
    look, clock = Look(ahead=False), SystemClock()
    drive = open_drive()
    engine = Backup(
        *(Side(source), Side(target), BackupPolicy(look), drive, lambda _: {}),
        catalogue=Catalogue(target, "", drive),
        clock=clock,
    )

    steps = [step for step in engine.plan() if isinstance(step, Copy)]

    assert sorted(step.target_key for step in steps) == ["a", "b", "d", "h"]
    assert "sorting on disk" in "".join(engine.notes)
