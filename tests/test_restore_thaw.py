"""A restore out of every archive: asked for once, waited for, looked at right before each copy."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from archives import LOOKS, Archive, archive_server
from backup.vault import Vault
from faults.proxy import FaultProxy

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("surroundings"), pytest.mark.timeout(200)]

TIERS = {
    "frozen": "GLACIER",
    "deep": "DEEP_ARCHIVE",
    "others": "GLACIER",
    "expired": "GLACIER",
    "tiered": "INTELLIGENT_TIERING",
    "instant": "GLACIER_IR",
}
EACH = 15


@pytest.mark.parametrize("target", ["bucket", "folder"])
def test_all_of_it_comes_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    with archive_server(tmp_path / "moto") as glacier, FaultProxy(glacier.url) as proxy:
        vault = Vault(tmp_path, glacier, capsys)
        vault.url = proxy.url
        bodies = {f"{kind}/{n}": f"{kind} {n}".encode() for kind in TIERS for n in range(EACH)}
        for key, body in bodies.items():
            vault.put(key, body)
        for kind, tier in TIERS.items():
            vault.back_up("--include", f"{kind}/*", "--storage-class", tier)
        archive = Archive(proxy)
        archive.by_others |= {key for key in bodies if key.startswith("others/")}
        archive.expired |= {key for key in bodies if key.startswith("expired/")}
        archive.tiered |= {key for key in bodies if key.startswith("tiered/")}
        vault.client.create_bucket(Bucket="again")
        back = tmp_path / "back"
        place = "s3://again/" if target == "bucket" else str(back)
        words = ("restore", vault.there, place, "--tier", "Standard")

        first = vault.ended(*words)
        assert (first[0], first[1][-1]["done"]) == (4, EACH)  # Those that are just read.
        late = [f"frozen/{n}" for n in range(5)]  # Thawed, and frozen again before the copy.
        archive.expired |= {*late}
        passes = 1
        while (ended := vault.ended(*words))[0] == 4:
            summary = ended[1][-1]
            fates = ("skipped", "done", "failed", "waiting")
            assert summary["listed"] == sum(summary[fate] for fate in fates) == len(bodies)
            passes += 1
            assert passes <= 2 * LOOKS, "it asks and asks"

        assert (ended[0], ended[1][-1]["failed"]) == (0, 0)
        if target == "bucket":
            assert vault.bodies("again") == bodies
        else:
            assert {key: (back / key).read_bytes() for key in bodies} == bodies
        asked = Counter(key for _, key in archive.asked)
        frozen = [key for key in bodies if not key.startswith("instant/")]
        assert asked == Counter(frozen) + Counter(late)
        assert archive.refused == EACH


def test_one_that_fails_keeps_nobody_from_waiting_for_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with archive_server(tmp_path / "moto") as glacier:
        vault = Vault(tmp_path, glacier, capsys)
        for key in ("deep", "frozen"):
            vault.put(key, key.encode())
            vault.back_up("--include", key, "--storage-class", TIERS[key])
        back = tmp_path / "back"

        words = ("--tier", "Expedited", "--wait", "--every", "1")
        told = vault.run("restore", vault.there, str(back), *words, code=1)

        summary = told[-1]
        assert (summary["failed"], summary["waiting"]) == (1, 0)
        assert [path.name for path in back.iterdir()] == ["frozen"]
