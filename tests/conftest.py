"""What every test may ask for: the real servers, each started once a session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import keeper
from bucketline.stores.local import LocalStore
from desk import VARIABLES, Desk
from processes import PARK
from servers import SERVERS, Endpoint, Park

# How long an example takes says nothing of us: machines are busy with other things.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_KEEPER = pytest.StashKey[subprocess.Popen[bytes]]()
_ALL = "BUCKETLINE_TEST_ALL"


def pytest_configure(config: pytest.Config) -> None:
    """Whoever a session starts, its workers too, inherits where servers are noted: all share."""
    if PARK not in os.environ:
        os.environ[PARK] = tempfile.mkdtemp(prefix="bucketline-test-")
        command = [sys.executable, "-S", keeper.__file__, os.environ[PARK]]
        config.stash[_KEEPER] = subprocess.Popen(
            command, stdin=subprocess.PIPE, start_new_session=True
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    if keeping := config.stash.get(_KEEPER, None):
        keeping.communicate()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of a server that is known to fail there must fail there."""
    for item in items:
        called = getattr(item, "callspec", None)
        server = called and (called.params.get("server") or called.params.get("s3_server"))
        if not called or not server:
            continue
        gaps = SERVERS[server].gaps
        test = getattr(item, "originalname", item.name)
        case = called.id.removeprefix(f"{server}-").removesuffix(f"-{server}")
        if reason := gaps.get(f"{test}[{case}]") or gaps.get(test):
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def servers(*, with_process: bool = False) -> list[object]:
    """The table as parameters; what needs Ceph's packages says so by its marker."""
    return [
        pytest.param(name, id=name, marks=pytest.mark.radosgw if name == "radosgw" else ())
        for name, server in SERVERS.items()
        if server.launch or not with_process
    ]


@pytest.fixture(scope="session")
def park() -> Park:
    return Park(Path(os.environ[PARK]))


@pytest.fixture(params=servers())
def server(request: pytest.FixtureRequest) -> str:
    """Each row of the table of servers, by name."""
    return _installed(request.param)


@pytest.fixture(params=servers(with_process=True))
def s3_server(request: pytest.FixtureRequest) -> str:
    """Each row that is a server by itself."""
    return _installed(request.param)


@pytest.fixture
def rclone(park: Park) -> Endpoint:
    """The lightest real server; keys are checked, bytes are kept in memory."""
    return park.endpoint(_installed("rclone"))


@pytest.fixture
def moto(park: Park) -> Endpoint:
    return park.endpoint(_installed("moto"))


@pytest.fixture
def ministack(park: Park) -> Endpoint:
    return park.endpoint(_installed("ministack"))


@pytest.fixture
def radosgw(park: Park) -> Endpoint:
    """The most faithful; whoever uses it carries the marker `radosgw`."""
    return park.endpoint(_installed("radosgw"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> LocalStore:
    """A folder, empty."""
    root.mkdir()
    return LocalStore(str(root))


def _installed(name: str) -> str:
    if missing := SERVERS[name].missing:
        reason = f"{name} needs {', '.join(missing)}"
        if name == "radosgw" and not os.environ.get(_ALL):
            pytest.skip(reason)
        pytest.fail(reason)
    return name


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the program finds around it when it runs in this process; its signals go back after."""
    places = {"HOME": str(tmp_path), "BUCKETLINE_STATE": str(tmp_path / "state")}
    for name, value in (VARIABLES | places).items():
        monkeypatch.setenv(name, value)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def desk(tmp_path: Path, rclone: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, rclone, capsys)


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """An environment without anybody's credentials or configuration."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "BUCKETLINE_STATE": str(tmp_path / "state")}
