"""A run that was kept in a bucket comes back as it was, and goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.engines.ring.findings import PHASES
from desk import VARIABLES, Desk
from ring.services import serve
from ring.sites import configured, expected, opened, told
from ring.world import World
from servers import Endpoint


def test_what_was_asked_for_before_is_not_asked_for_again(
    tmp_path: Path,
    moto: Endpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (VARIABLES | {"AWS_ENDPOINT_URL": moto.url}).items():
        monkeypatch.setenv(name, value)
    kept, here = f"{Desk(tmp_path, moto, capsys).s3}rings/R/", tmp_path / "rings" / "R"
    with serve(World(7, 150)) as services:
        ring = ("R", "--config", str(configured(services, tmp_path)))
        with opened(services, tmp_path / "rings") as found:
            for phase in ("listkeys", "export"):
                PHASES[phase](found)
        asked = services.asked.copy()

        assert main(["sync", f"{here}/", kept]) == 0
        shutil.rmtree(here)
        assert main(["sync", kept, f"{here}/"]) == 0
        assert main(["ring", "run", *ring]) == 3

        with opened(services, tmp_path / "rings") as found:
            assert set(told(found)) == expected(services)
    lists = ("GET listkeys", "GET default")
    assert [services.asked[name] for name in lists] == [asked[name] for name in lists]
    assert asked["GET listkeys"]
