"""The service and those who mean it no good."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bucketline.clock import FakeClock
from bucketline.service.audit import Audit
from bucketline.service.tokens import Failures, Tokens, Verdict
from service.serving import Service, call, new_token, quoted, serving

_ODD_NAMES = ["..", "../..", "../service/tokens.json", "/etc/passwd", "%2e%2e%2f", "a\r\nx-evil: 1"]


class TwoClocks(FakeClock):
    """One that is set, and one that only goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.off = 0.0

    def now(self) -> float:
        return super().now() + self.off


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("attacked")
    (home / "source").mkdir()
    (home / "source" / "a").write_bytes(b"x")
    call(home / "state", "sync", str(home / "source"), str(home / "target"))
    return home / "state"


@pytest.fixture(scope="module")
def token(state: Path) -> str:
    return new_token(state, "--scope", "run")


@pytest.fixture(scope="module")
def service(state: Path, token: str) -> Iterator[Service]:
    with serving(state, "--insecure-http") as service:
        yield service


@pytest.mark.parametrize("name", _ODD_NAMES)
@pytest.mark.parametrize(
    "route",
    [
        "/v1/runs/{}",
        "/v1/runs/{}/objects",
        "/v1/runs/{}/proof",
        "/v1/jobs/{}/start",
        "/v1/jobs/{}/stop",
        "/v1/jobs/{}/plan",
        "/v1/rings/{}/findings",
        "/log/{}",
        "/ui/{}",
    ],
)
def test_no_name_leads_out(service: Service, token: str, route: str, name: str) -> None:
    told = service.ask(
        route.format(quoted(name)), token, "POST" if route.startswith("/v1/jobs") else "GET"
    )
    assert told.status in (400, 404)
    assert "x-evil" not in told.headers
    assert b"bl_" not in told.body
    assert b"root:" not in told.body


def test_no_answer_sends_to_where_the_client_says(service: Service, token: str) -> None:
    connection = service.connect()
    connection.request("GET", "/v1/runs/", headers={"Authorization": token, "Host": "evil.example"})
    told = connection.getresponse()
    assert (told.status, told.getheader("location")) == (404, None)
    connection.close()


@pytest.mark.parametrize(
    "query", ["x" * 60_000, "&".join(["limit=1"] * 8_000), "limit=" + "9" * 50_000, "state=%00%ff"]
)
def test_huge_and_broken_questions_are_refused(service: Service, token: str, query: str) -> None:
    assert service.ask(f"/v1/runs?{query}", token).status == 400
    assert service.ask("/v1/runs", token).status == 200


def test_what_is_too_long_for_a_head_ends_that_connection_alone(
    service: Service, token: str
) -> None:
    with socket.create_connection((service.host, service.port), 20) as stranger:
        stranger.sendall(b"GET /v1/health HTTP/1.1\r\nx: " + b"y" * 100_000)
        assert stranger.recv(100).startswith(b"HTTP/1.1 400 ")
    assert service.ask("/v1/runs", token).status == 200


def test_a_damaged_ledger_hides_no_other(service: Service, token: str, state: Path) -> None:
    ledger = next(state.rglob("*.ledger"), None) or next(state.rglob("*.sqlite"))
    bad = ledger.with_name(f"bad{ledger.suffix}")
    shutil.copy(ledger, bad)
    bad.write_bytes(bad.read_bytes()[:5_000] + os.urandom(4_000))
    try:
        for path in ("/v1/runs", "/v1/relays", "/v1/backups", "/logs?start=0&end=9999999999"):
            assert service.ask(path, token).status == 200
        told = service.ask("/v1/runs", token).json
        assert told["total"] == 1
        assert str(bad) in told["unreadable"][0]
        bad.write_bytes(b"")
        assert service.ask("/v1/runs", token).json["total"] == 1
    finally:
        bad.unlink()


def test_a_run_whose_ledger_is_gone_is_no_fault(service: Service, token: str, state: Path) -> None:
    run = service.ask("/v1/runs", token).json["runs"][0]["run"]
    ledger = next(state.rglob("*.ledger"), None) or next(state.rglob("*.sqlite"))
    away = state / "away"
    ledger.rename(away)
    try:
        assert service.ask(f"/v1/runs/{run}/objects", token).status == 404
    finally:
        away.rename(ledger)
    assert len(service.ask(f"/v1/runs/{run}/objects", token).json["objects"]) == 1


def test_tokens_that_cannot_be_read_let_nobody_in(
    service: Service, token: str, state: Path
) -> None:
    tokens = state / "service" / "tokens.json"
    kept = tokens.read_bytes()
    wrong = [b"{", b'[{"id": 1}]', kept.replace(b'"hash": "', '"hash": "é'.encode()), b"[" * 9_999]
    try:
        for text in (*wrong, kept.replace(b'"hash": "', b'"hash": null, "x": "')):
            tokens.write_bytes(text)
            told = service.ask("/v1/runs", token)
            assert told.status in (401, 503)
            assert set(told.json) == {"error"}
            assert str(state) not in told.body.decode()
        tokens.write_bytes(kept)
        tokens.chmod(0o644)
        assert service.ask("/v1/runs", token).status == 503
    finally:
        tokens.chmod(0o600)
        tokens.write_bytes(kept)
    assert service.ask("/v1/runs", token).status == 200


def test_an_order_that_the_audit_cannot_hold_is_not_carried_out(tmp_path: Path) -> None:
    token = new_token(tmp_path, "--scope", "run")
    with serving(tmp_path, "--insecure-http") as service:
        audit = tmp_path / "service" / "audit.jsonl"
        audit.symlink_to("/dev/full")

        told = service.ask("/v1/jobs/x/start", token, "POST")

        assert told.status == 503
        assert "audit" in told.json["error"]["message"]
        assert service.ask("/v1/runs", token).status == 200
        assert service.ask("/v1/runs").status == 401
        audit.unlink()
        assert service.ask("/v1/jobs/x/start", token, "POST").status == 404
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        assert [(one["path"], one["status"]) for one in lines] == [
            ("/v1/jobs/x/start", None),
            ("/v1/jobs/x/start", 404),
        ]


def test_strangers_cannot_fill_the_disk(tmp_path: Path) -> None:
    clock = FakeClock()
    audit = Audit(tmp_path / "audit", clock)
    for _ in range(1_000):
        audit.refused({"path": "/" + "x" * 60_000, "status": 401})
    lines = (tmp_path / "audit").read_text().splitlines()
    assert (len(lines), max(map(len, lines)) < 300) == (30, True)

    clock.sleep(61)
    audit.refused({"path": "/", "status": 401})
    assert json.loads((tmp_path / "audit").read_text().splitlines()[-1])["left_out"] == 970


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text('{"time": 1, "pa')
    Audit(tmp_path / "audit", FakeClock()).order({"path": "/"})
    assert json.loads((tmp_path / "audit").read_text().splitlines()[1])["path"] == "/"


def test_a_clock_that_is_set_back_revives_no_token_and_locks_nobody_out(tmp_path: Path) -> None:
    clock = TwoClocks()
    tokens, failures = Tokens(tmp_path / "tokens", clock), Failures(clock)
    _, secret = tokens.create("short", "read", clock.now() + 10)
    clock.sleep(11)
    assert tokens.judge(secret, "read")[0] is Verdict.EXPIRED
    for _ in range(10):
        failures.add("stranger")
    clock.off = -86_400.0
    assert tokens.judge(secret, "read")[0] is Verdict.EXPIRED
    assert failures.is_too_many("stranger")
    clock.sleep(61)
    assert not failures.is_too_many("stranger")


def test_what_one_revokes_no_other_brings_back(tmp_path: Path) -> None:
    path = tmp_path / "tokens"

    def make_and_revoke(number: int) -> str:
        tokens = Tokens(path, FakeClock())  # As a process of its own has it.
        token, secret = tokens.create(f"t{number}", "read", 0)
        tokens.revoke(token.id)
        return secret

    with ThreadPoolExecutor(8) as crew:
        secrets = list(crew.map(make_and_revoke, range(40)))
    tokens = Tokens(path, FakeClock())
    assert {tokens.judge(secret, "read")[0] for secret in secrets} == {Verdict.REVOKED}
