"""The service: who gets in, what it tells, and how it ends."""

from __future__ import annotations

import json
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.serving import Service, call, environment, new_token, quoted, serving

_ODD = ["a", "sp ace", "<script>alert(1)</script>", "ü/é", "z"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, of which the second found nothing to do."""
    home = tmp_path_factory.mktemp("served")
    source = home / "source"
    for number, key in enumerate(_ODD):
        path = source / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
    for _ in range(2):
        call(home / "state", "sync", str(source), str(home / "target"))
    return home / "state"


@pytest.fixture(scope="module")
def token(state: Path) -> str:
    return new_token(state)


@pytest.fixture(scope="module")
def service(state: Path, token: str) -> Iterator[Service]:
    with serving(state) as service:
        yield service


def test_it_is_encrypted_by_an_authority_of_its_own(service: Service) -> None:
    assert not service.is_plain
    assert service.ask("/v1/health").json == {"status": "ok"}
    key = service.state / "service" / "server.key"
    assert key.stat().st_mode & 0o777 == 0o600
    stranger = service.connect()
    stranger = type(stranger)(
        "localhost", service.port, timeout=20, context=ssl.create_default_context()
    )  # type: ignore[call-arg]
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/v1/health")


def test_nobody_gets_in_without_a_token(service: Service) -> None:
    for path in ("/", "/logs?start=0&end=1", "/v1/runs", "/v1/openapi.json", "/v1/metrics", "/no"):
        told = service.ask(path)
        assert (told.status, told.json["error"]["message"]) == (401, "no token")
        assert told.headers["www-authenticate"] == "Bearer"


def test_each_token_is_judged(service: Service, state: Path) -> None:
    short, gone = new_token(state, "--expires", "1s"), new_token(state, "--name", "gone")
    assert service.ask("/v1/runs", gone).status == 200
    call(state, "token", "revoke", "gone")
    assert service.ask("/v1/runs", gone).json["error"]["message"] == "revoked token"
    assert service.ask("/v1/runs", "bl_wrong").json["error"]["message"] == "wrong token"
    ended = service.ask("/v1/runs", short)
    while ended.status == 200:
        ended = service.ask("/v1/runs", short)
    assert (ended.status, ended.json["error"]["message"]) == (401, "expired token")
    reads = new_token(state)
    told = service.ask("/v1/runs", reads, method="POST")
    assert (told.status, told.json["error"]["message"]) == (403, "the token may only read")
    assert service.ask("/v1/runs", new_token(state, "--scope", "run"), method="POST").status == 405


def test_secrets_are_kept_nowhere(service: Service, state: Path, token: str) -> None:
    service.ask("/v1/runs", token)
    for path in (state / "service").iterdir():
        assert token not in path.read_text()
        if path.suffix != ".pem":
            assert path.stat().st_mode & 0o077 == 0
    assert token not in call(state, "token", "list")


def test_the_audit_says_who_was_refused(service: Service, state: Path) -> None:
    service.ask("/v1/runs?limit=3", "bl_nobody")
    last = json.loads((state / "service" / "audit.jsonl").read_text().splitlines()[-1])
    assert (last["path"], last["status"], last["verdict"]) == ("/v1/runs", 401, "wrong token")
    assert "bl_nobody" not in json.dumps(last)


def test_the_old_routes_answer_as_they_did(service: Service, token: str) -> None:
    routes = service.ask("/", token).json
    assert {"/", "/logs", "/log/{epoch}", "/log/latest"} <= {one["route"] for one in routes}
    assert all(set(one) == {"route", "methods", "description"} for one in routes)
    names = service.ask("/logs?start=0&end=9999999999", f"Bearer {token}").json
    epochs = [int(name.rpartition("_")[2].partition(".")[0]) for name in names]
    assert len(epochs) == 2
    assert service.ask(f"/logs?start={epochs[0]}&end={epochs[0]}", token).json == names[:1]
    log = service.ask(f"/log/{epochs[0]}", token).json
    assert "objects_moved" not in log
    assert (log["status"], log["start_time_epoch"]) == ("Completed", epochs[0])
    whole = service.ask(f"/log/{epochs[0]}?retrieve_objects_moved=True", token).json
    assert len(whole.pop("objects_moved")) == len(_ODD)
    assert whole.keys() == log.keys()
    latest = service.ask("/log/latest?retrieve_objects_moved=true", token).json
    assert latest["objects_moved"] == []
    assert service.ask("/log/1", token).status == 404
    for words in ("", "?start=1", "?start=a&end=2", "?start=1&end=2&end=3", "?start=1&end=2&x=1"):
        told = service.ask(f"/logs{words}", token)
        assert (told.status, set(told.json)) == (400, {"error"})


def test_runs_and_their_objects(service: Service, token: str) -> None:
    told = service.ask("/v1/runs", token).json
    assert (told["total"], [one["done"] for one in told["runs"]]) == (2, [0, len(_ODD)])
    run = told["runs"][1]["run"]
    keys: list[str] = []
    after: str | None = ""
    while after is not None:
        page = service.ask(f"/v1/runs/{run}/objects?limit=2&after={quoted(after)}", token).json
        keys += [one["key"] for one in page["objects"]]
        after = page["next"]
    assert keys == sorted(_ODD)
    lines = service.ask(f"/v1/runs/{run}/objects?form=ndjson", token).body.splitlines()
    assert [json.loads(line)["key"] for line in lines] == keys
    assert service.ask(f"/v1/runs/{run}/objects?fate=failed", token).json["objects"] == []
    assert service.ask(f"/v1/runs/{run}/errors", token).json == {"errors": []}
    assert service.ask(f"/v1/runs/{run}", token).json["configuration"]
    assert service.ask("/v1/runs/none", token).status == 404
    assert service.ask("/v1/runs?limit=0", token).status == 400
    assert service.ask("/v1/runs?limit=1&limit=2", token).status == 400
    assert service.ask("/v1/relays", token).json == {"relays": [], "unreadable": []}


def test_what_it_says_of_itself_is_true(service: Service, token: str) -> None:
    told = service.ask("/v1/openapi.json", token).json
    paths = set(told["paths"])
    assert paths == {one["route"] for one in service.ask("/", token).json}
    assert b'bucketline_objects{command="sync"' in service.ask("/v1/metrics", token).body


def test_browsers_are_told_to_be_strict(service: Service, token: str) -> None:
    headers = service.ask("/v1/runs", token).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "max-age" in headers["strict-transport-security"]
    assert "server" not in {name.lower() for name in headers}


def test_who_guesses_tokens_has_to_wait(state: Path, token: str) -> None:
    with serving(state, "--insecure-http") as service:
        tries = [service.ask("/v1/runs", f"bl_{number}").status for number in range(12)]
        assert tries == [401] * 10 + [429] * 2
        assert service.ask("/v1/runs", token).status == 429
        assert service.ask("/v1/health").status == 200


def test_it_ends_at_a_signal_with_streams_open(state: Path, token: str) -> None:
    with serving(state, "--insecure-http") as service:
        streams: list[Any] = []
        for _ in range(50):
            connection = service.connect()
            connection.request("GET", "/v1/events", headers={"Authorization": token})
            streams.append((connection, connection.getresponse()))
        assert all(told.status == 200 for _, told in streams)

        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(5) == 0
        for connection, told in streams:
            told.close()
            connection.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--host", "0.0.0.0", "--insecure-http"), "no loopback address"),
        (("--certificate", "x"), "go together"),
        (("--certificate", "/none", "--key", "/none"), "cannot be used"),
        (("--host", "192.0.2.1"), "cannot listen there"),
    ],
)
def test_what_makes_no_sense_is_one_line(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "bucketline", "serve", *words],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in (2, 6)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
