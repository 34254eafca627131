"""What a stranger, a careless hand or a broken disk may do to the service, and what comes of it."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509

from bucketline.cli import main
from bucketline.errors import DiskError, UsageError
from bucketline.flow.report.runs import RunRow
from bucketline.model import Tally
from bucketline.service.certificates import own_certificate
from bucketline.service.metrics import exposed
from service.serving import Service, call, environment, new_token, quoted, serving

_NOW = 1_800_000_000.0
_STUCK = """\
remotes:
  far: {{endpoints: "http://127.0.0.1:{port}", region: us-east-1, anonymous: true}}
jobs:
  stuck: {{source: "far:b/", target: "{home}/target"}}
"""
_JOBS = "jobs:\n  copies: {{source: '{home}/source', target: '{home}/target'}}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hardened")
    (home / "source").mkdir()
    (home / "source" / "a").write_bytes(b"x")
    (home / "config.yaml").write_text(_JOBS.format(home=home))
    return home


@pytest.fixture(scope="module")
def token(home: Path) -> str:
    return new_token(home / "state", "--scope", "run")


@pytest.fixture(scope="module")
def service(home: Path, token: str) -> Iterator[Service]:
    with serving(
        home / "state", "--insecure-http", "--config", str(home / "config.yaml")
    ) as service:
        yield service


def children(pid: int) -> list[str]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for one in threads for child in one.read_text().split()]


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_so():
            return
        Event().wait(0.05)
    raise AssertionError("it never came to that")


def test_nobody_says_for_himself_where_he_comes_from(tmp_path: Path) -> None:
    """Else who guesses tokens never has to wait, and the audit names whom he likes."""
    with serving(tmp_path, "--insecure-http") as service:
        told = []
        for number in range(12):
            connection = service.connect()
            headers = {"Authorization": "bl_wrong", "X-Forwarded-For": f"192.0.2.{number}"}
            connection.request("GET", "/v1/runs", headers=headers)
            told.append(connection.getresponse().status)
            connection.close()
        assert told == [401] * 10 + [429] * 2
        lines = (tmp_path / "service" / "audit.jsonl").read_text().splitlines()
        assert {json.loads(line)["client"] for line in lines} == {"127.0.0.1"}


def test_who_listens_is_let_go_when_the_token_is_revoked(service: Service, home: Path) -> None:
    told = json.loads(call(home / "state", "token", "create", "--json"))
    connection = service.connect()
    connection.request("GET", "/v1/events", headers={"Authorization": told["token"]})
    events = connection.getresponse()
    assert events.readline()

    call(home / "state", "token", "revoke", told["id"])

    assert any(not events.readline() for _ in range(40))  # It has an end now.
    connection.close()


def test_a_job_that_cannot_be_noted_does_not_run(service: Service, token: str, home: Path) -> None:
    """It would be told as not started, and nobody could stop it."""
    note = home / "state" / "service" / "jobs" / "copies.json"
    note.mkdir(parents=True)
    try:
        assert service.ask("/v1/jobs/copies/start", token, "POST").status == 503
    finally:
        note.rmdir()
    assert not (home / "target").exists()
    assert not list((home / "state").glob("*.ledger"))


def test_a_page_may_begin_behind_a_key_of_any_length(service: Service, token: str) -> None:
    for word in ("after", "prefix"):
        told = service.ask(f"/v1/runs/last/objects?{word}={quoted('é' * 4_000)}", token)
        assert told.status == 404  # There is no run; the key is no fault.


_SPOILED: dict[str, Callable[[Path], object]] = {
    "a damaged certificate": lambda home: (home / "server.pem").write_text("x"),
    "no key": lambda home: (home / "server.key").unlink(),
    "a damaged key": lambda home: (home / "server.key").write_text("x"),
    "another key": lambda home: (home / "ca.key").replace(home / "server.key"),
    "no authority": lambda home: (home / "ca.pem").unlink(),
    "another authority": lambda home: (
        own_certificate(home / "other", ["localhost"], _NOW).authority or home
    ).replace(home / "ca.pem"),
}


@pytest.mark.parametrize("name", _SPOILED)
def test_a_certificate_that_is_spoiled_is_made_anew(name: str, tmp_path: Path) -> None:
    own_certificate(tmp_path, ["localhost"], _NOW)
    _SPOILED[name](tmp_path)
    if name == "another authority":
        (tmp_path / "other" / "ca.key").replace(tmp_path / "ca.key")

    files = own_certificate(tmp_path, ["localhost"], _NOW)

    authority = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    made = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    made.verify_directly_issued_by(authority)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key)
    before = files.certificate.read_bytes()
    assert own_certificate(tmp_path, ["localhost"], _NOW).certificate.read_bytes() == before


@pytest.mark.parametrize("which", ["ca.pem", "ca.key"])
def test_a_damaged_authority_is_said_since_clients_trust_it(which: str, tmp_path: Path) -> None:
    own_certificate(tmp_path, ["localhost"], _NOW)
    (tmp_path / which).write_text("x")
    (tmp_path / "server.pem").unlink()

    with pytest.raises(DiskError, match="remove both"):
        own_certificate(tmp_path, ["localhost"], _NOW)


def test_names_of_machines(tmp_path: Path) -> None:
    files = own_certificate(tmp_path, ["bücher.example", "::1"], _NOW)
    told = x509.load_pem_x509_certificate(files.certificate.read_bytes()).extensions
    names = told.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--bcher-kva.example"]
    for wrong in ("", "a b", "x" * 300, "a\nb", "é" * 99):
        with pytest.raises(UsageError, match="no name of a machine"):
            own_certificate(tmp_path, [wrong], _NOW)


def test_a_token_for_ages_is_refused_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was made, its secret was lost, and no token could be listed any more."""
    state = ("--state", str(tmp_path))
    assert main([*state, "token", "create", "--expires", "99999999d"]) == 2
    assert "at most" in capsys.readouterr().err
    assert main([*state, "token", "list"]) == 0


def test_a_state_folder_that_cannot_be_looked_at_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--state", f"/tmp/{'x' * 300}", "runs", "list"]) == 6
    assert "cannot be looked at" in capsys.readouterr().err


def test_strangers_do_not_fill_the_log(tmp_path: Path) -> None:
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            [sys.executable, "-m", "bucketline", "serve", "--port", "0", "--insecure-http"],
            env=environment(tmp_path),
            stdout=subprocess.DEVNULL,
            stderr=said,
        ) as process,
    ):
        try:
            while "at http" not in (text := (tmp_path / "said").read_text()):
                assert process.poll() is None
            port = int(text.rpartition(":")[2].strip("/ \n"))
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", port), 20) as stranger:
                    stranger.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
                    assert stranger.recv(100).startswith(b"HTTP/1.1 400")
            assert (tmp_path / "said").read_text() == text
        finally:
            process.kill()


def test_what_is_found_is_what_the_ledger_tells_and_no_less_than_what_is_listed() -> None:
    """It was told as what is listed by now: of a run under way, nothing was left."""
    tally = Tally(done=3)
    rows = [
        RunRow(name, "sync", "running", Path(name), source=name, found=found, tally=tally)
        for name, found in (("many", 10), ("refused", 1))
    ]
    told = exposed(rows, 9.0).splitlines()
    for family, wanted in (("found_objects{", ["10", "3"]), ("left_objects{", ["7", "0"])):
        assert [line.rpartition(" ")[2] for line in told if family in line] == wanted
    assert [row.as_json()["found"] for row in rows] == [10, 3]


def test_for_how_long_a_run_went_that_crashed_nobody_says() -> None:
    """It was told as going on, longer and longer."""
    rows = [
        RunRow(name, "sync", state, Path(name), source=name, started=1.0)
        for name, state in (("a", "crashed"), ("b", "running"))
    ]
    told = [line for line in exposed(rows, 9.0).splitlines() if "run_seconds{" in line]
    assert [(line.rpartition(" ")[2], 'source="b"' in line) for line in told] == [("8.0", True)]


def test_who_hangs_up_ends_the_plan_of_a_place_that_does_not_answer(tmp_path: Path) -> None:
    """It looked on, and nobody else could have the job planned."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = tmp_path / "config.yaml"
        config.write_text(_STUCK.format(port=silent.getsockname()[1], home=tmp_path))
        token = new_token(tmp_path / "state", "--scope", "run")
        with serving(tmp_path / "state", "--insecure-http", "--config", str(config)) as service:
            connection = service.connect()
            headers = {"Authorization": token}
            connection.request("POST", "/v1/jobs/stuck/plan", headers=headers)
            asked, _ = silent.accept()
            assert service.ask("/v1/jobs/stuck/plan", token, "POST").status == 409
            connection.close()

            until(lambda: not children(service.process.pid))
            asked.close()


def test_logs_that_other_tools_left_are_no_fault_of_ours(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "dt_data_1.json").write_text('{"speed": NaN, "key": "\\ud800", "more": Infinity}')
    (logs / "dt_data_2.json").write_text('{"a":' * 50_000)
    token = new_token(tmp_path / "state")
    with serving(tmp_path / "state", "--insecure-http", "--log-location", f"{logs}/") as service:
        told = service.ask("/log/1", token)
        assert told.status == 200
        assert told.json == {"speed": None, "key": "\ud800", "more": None}
        assert service.ask("/log/2", token).status == 503


def test_a_relay_is_not_planned_and_a_broken_configuration_is_said(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    place = f"{{source: {tmp_path}, target: 's3://b/', relay: {{volumes: [{tmp_path}/v]}}}}"
    config.write_text(f"jobs: {{r: {place}}}\n")
    token = new_token(tmp_path / "state", "--scope", "run")
    with serving(tmp_path / "state", "--insecure-http", "--config", str(config)) as service:
        assert service.ask("/v1/jobs/r/plan", token, "POST").status == 409
        note = tmp_path / "state" / "service" / "jobs" / "r.json"
        note.parent.mkdir(parents=True)
        note.write_text('{"pid": 1e400, "started": 1}')
        assert service.ask("/v1/jobs", token).json["jobs"][0]["running"] is False
        config.write_text("jobs: [")
        told = service.ask("/v1/jobs", token)
        assert (told.status, "config.yaml:" in told.json["error"]["message"]) == (503, True)
