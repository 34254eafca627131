"""`ring reclaim`: gates and a plan first; a hash deletes; undelete brings back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from ring.services import Services, serve
from ring.sites import configured, look, opened
from ring.world import World

DAY = 86_400


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 40)) as found:
        yield found


def prepared(services: Services, folder: Path) -> list[str]:
    """Two runs, the second of now; and the words that lead to them."""
    now = services.now = time.time()
    with opened(services, folder / "rings", now=now - 20 * DAY) as found:
        look(found)
    services.world.uploads_begin(now - DAY)
    with opened(services, folder / "rings", now=now, is_new=True) as found:
        look(found)
    return ["--config", str(configured(services, folder)), "--json"]


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr()[0].splitlines()]


def test_a_plan_is_made_approved_and_undone(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = prepared(services, tmp_path)
    before = services.world.hash

    assert main(["ring", "reclaim", "R", *said]) == 7
    shut = [gate for gate in told(capsys) if not gate["open"]]
    assert [gate["gate"] for gate in shut] == ["share"]
    allow = ["--allow-orphans", shut[0]["why"].split()[-1]]
    assert main(["ring", "reclaim", "R", *allow, *said]) == 0
    plan = told(capsys)[-1]
    assert plan["objects"] > 0
    assert services.buried == []

    assert main(["ring", "reclaim", "R", "--approve", "0" * 64, *said]) == 7
    approve = ["--approve", plan["plan"], "--canary", "5", *allow]
    assert main(["ring", "reclaim", "R", *approve, *said]) == 4
    assert told(capsys)[-1]["done"] == 5
    assert len(services.buried) == 5

    assert main(["ring", "undelete", "R", "--plan", plan["plan"], *said]) == 0
    assert told(capsys)[-1]["done"] == 5
    assert services.world.hash == before
