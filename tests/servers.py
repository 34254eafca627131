"""The table of real S3 servers: how each starts, and what each is known to lack."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import processes
import servers_gaps
import servers_radosgw
from bucketline.settings import Keys, Remote, Secret

ACCESS_KEY = "demo-access"
SECRET_KEY = "demo-secret-not-real"
REGION = "us-east-1"


@dataclass(frozen=True)
class Endpoint:
    """A server that runs."""

    url: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION
    stranger: str = ""  # Access key of a second user with the same secret, who owns nothing.
    pids: tuple[int, ...] = ()

    def remote(self, name: str = "s3", *, url: str = "") -> Remote:
        """As the product's configuration says it; `url` when something stands in between."""
        keys = Keys(self.access_key, Secret(self.secret_key))
        return Remote(
            name=name,
            endpoints=(url or self.url,),
            region=self.region,
            keys=keys,
            connect_timeout_seconds=5,
            idle_timeout_seconds=20,
        )

    def stop(self) -> None:
        processes.kill(self.pids)


@dataclass(frozen=True)
class Server:
    """A row of the table; without `launch` there is no process."""

    launch: Callable[[Path], Endpoint] | None = None
    needs: tuple[str, ...] = ()  # Programs.
    gaps: Mapping[str, str] = field(default_factory=dict)  # Test, or test[case] -> reason.

    @property
    def missing(self) -> list[str]:
        return [program for program in self.needs if not processes.find(program)]

    @contextmanager
    def running(self, folder: Path) -> Iterator[Endpoint]:
        """One of its own, for who stops it, or counts on being alone."""
        assert self.launch is not None
        folder.mkdir(parents=True, exist_ok=True)
        endpoint = self.launch(folder)
        try:
            yield endpoint
        finally:
            endpoint.stop()


def _launch(
    folder: Path, port: int, command: list[str], variables: Mapping[str, str] | None = None
) -> Endpoint:
    pid = processes.spawn(command, folder, variables=variables)
    try:
        processes.await_port(port, pid, folder / f"{command[0]}.log")
    except BaseException:
        processes.kill([pid])
        raise
    return Endpoint(f"http://127.0.0.1:{port}", pids=(pid,))


def _rclone(folder: Path) -> Endpoint:
    port = processes.free_port()
    address = f"--addr=127.0.0.1:{port}"
    keys = f"--auth-key={ACCESS_KEY},{SECRET_KEY}"
    return _launch(folder, port, ["rclone", "serve", "s3", ":memory:", address, keys])


def _moto(folder: Path) -> Endpoint:
    port = processes.free_port()
    return _launch(folder, port, ["moto_server", "-H", "127.0.0.1", "-p", str(port)])


def _ministack(folder: Path) -> Endpoint:
    port = processes.free_port()
    variables = {
        "BIND_HOST": "127.0.0.1",  # All interfaces otherwise.
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3,iam",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),
        "DOCKER_HOST": f"unix://{folder}/no.sock",
    }
    return _launch(folder, port, ["ministack"], variables)


def _radosgw(folder: Path) -> Endpoint:
    port, pids = servers_radosgw.launch(folder, users=(ACCESS_KEY, STRANGER), secret=SECRET_KEY)
    return Endpoint(f"http://127.0.0.1:{port}", stranger=STRANGER, pids=pids)


STRANGER = "demo-stranger"
SERVERS: dict[str, Server] = {
    "memory": Server(gaps=servers_gaps.MEMORY),
    "local": Server(gaps=servers_gaps.LOCAL),
    "spool": Server(gaps=servers_gaps.SPOOL),
    "rclone": Server(_rclone, ("rclone",), servers_gaps.RCLONE),
    "moto": Server(_moto, ("moto_server",), servers_gaps.MOTO),
    "ministack": Server(_ministack, ("ministack",), servers_gaps.MINISTACK),
    "radosgw": Server(_radosgw, servers_radosgw.PROGRAMS, servers_gaps.RADOSGW),
}


@dataclass(frozen=True)
class Park:
    """The servers of one test session: each starts once, for all worker processes."""

    folder: Path

    def endpoint(self, name: str) -> Endpoint:
        """Of the server called so; started by whoever asks first."""
        launch = SERVERS[name].launch
        assert launch is not None
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            note = self.folder / f"{name}.json"
            if note.exists():
                return _read(note)
            home = self.folder / name
            home.mkdir(exist_ok=True)
            endpoint = launch(home)
            note.write_text(json.dumps(asdict(endpoint)))
            return endpoint


def _read(note: Path) -> Endpoint:
    endpoint = Endpoint(**json.loads(note.read_text()))
    return replace(endpoint, pids=tuple(endpoint.pids))
