"""Jobs that the service starts: they outlive it, and it finds them again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from faults.proxy import Exchange, FaultProxy
from servers import Endpoint
from service.serving import Service, new_token, serving

_COUNTED = iter(range(100))
_CONFIG = """\
remotes:
  far:
    endpoints: {url}
    region: us-east-1
jobs:
  copies: {{source: "{source}", target: "far:{bucket}/"}}
  other: {{source: "{source}", target: "far:{bucket}/other/"}}
"""


class Held:
    """A server that answers no upload before it may."""

    def __init__(self, url: str, bucket: str) -> None:
        self.bucket = bucket
        self.may_go = Event()
        self.proxy = FaultProxy(url)
        self.proxy.add(self._hold, method="PUT")

    def _hold(self, exchange: Exchange) -> None:
        assert self.may_go.wait(60)
        exchange.send(exchange.forward())


@pytest.fixture
def held(rclone: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    from faults.syncing import client_of

    bucket = f"served-{os.getpid()}-{next(_COUNTED)}"
    client_of(rclone).create_bucket(Bucket=bucket)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", rclone.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", rclone.secret_key)
    held = Held(rclone.url, bucket)
    with held.proxy:
        yield held
        held.may_go.set()


@pytest.fixture
def home(tmp_path: Path, held: Held) -> Path:
    (tmp_path / "source").mkdir()
    for number in range(5):
        (tmp_path / "source" / f"{number}").write_bytes(b"x" * number)
    config = _CONFIG.format(url=held.proxy.url, source=tmp_path / "source", bucket=held.bucket)
    (tmp_path / "config.yaml").write_text(config)
    return tmp_path


def job(service: Service, token: str, name: str = "copies") -> dict[str, Any]:
    told = service.ask("/v1/jobs", token).json["jobs"]
    found: dict[str, Any] = next(one for one in told if one["job"] == name)
    return found


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        Event().wait(0.05)
    raise AssertionError("it never came to that")


@pytest.mark.slow
def test_a_job_outlives_the_service_and_is_found_again(home: Path, held: Held) -> None:
    token, state = new_token(home / "state", "--scope", "run"), home / "state"
    words = ("--insecure-http", "--config", str(home / "config.yaml"))
    with serving(state, *words) as service:
        assert not job(service, token)["running"]
        assert service.ask("/v1/jobs/none/start", token, "POST").status == 404
        assert service.ask("/v1/jobs/copies/start", new_token(state), "POST").status == 403
        told = service.ask("/v1/jobs/copies/start", token, "POST")
        assert told.status == 202, told.body
        until(lambda: (job(service, token)["last"] or {}).get("state") == "running")
        assert service.ask("/v1/jobs/copies/start", token, "POST").status == 409
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()

    with serving(state, *words) as service:
        assert job(service, token)["running"]
        assert service.ask("/v1/jobs/copies/start", token, "POST").status == 409
        held.may_go.set()
        until(lambda: not job(service, token)["running"])
        assert (job(service, token)["last"]["state"], job(service, token)["last"]["done"]) == (
            "complete",
            5,
        )
        assert service.ask("/v1/jobs/copies/stop", token, "POST").status == 409


@pytest.mark.slow
def test_a_job_is_stopped_as_a_person_would(home: Path, held: Held) -> None:
    token, state = new_token(home / "state", "--scope", "run"), home / "state"
    words = ("--insecure-http", "--config", str(home / "config.yaml"))
    with serving(state, *words) as service:
        service.ask("/v1/jobs/copies/start", token, "POST")
        until(lambda: (job(service, token)["last"] or {}).get("state") == "running")

        assert service.ask("/v1/jobs/copies/stop", token, "POST").status == 202

        held.may_go.set()
        until(lambda: not job(service, token)["running"])
        assert job(service, token)["last"]["state"] in ("interrupted", "complete")
        assert job(service, token)["output"]
