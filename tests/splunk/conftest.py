"""A site for each test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import VARIABLES, Desk
from servers import Endpoint
from splunk.peer import IS_REAL, Peer, named, standing_in
from splunk.site import Site


@pytest.fixture
def desk(
    tmp_path: Path,
    moto: Endpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Desk:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BUCKETLINE_STATE", str(tmp_path / "state"))
    return Desk(tmp_path, moto, capsys)


@pytest.fixture
def site(
    desk: Desk, tmp_path: Path, moto: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    made = Site(desk, tmp_path / "splunk", monkeypatch, moto)
    yield made
    made.splunk.close()


@pytest.fixture
def one(site: Site) -> Site:
    """An archive with one bucket."""
    site.splunk.add_index("web")
    site.archive("web", 1)
    return site


@pytest.fixture
def peer(request: pytest.FixtureRequest) -> Peer:
    """Whom contracts are held against."""
    made = named() if IS_REAL else standing_in(request.getfixturevalue("site").splunk)
    user, _, password = made.login.partition(":")
    form = {"username": user, "password": password}
    said = made.ask("POST", "auth/login", form, output_mode="json")
    assert said.status == 200, said.body
    made.header = f"Splunk {json.loads(said.body)['sessionKey']}"
    return made
