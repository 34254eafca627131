"""Whom a job tells how its runs end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main


class Listener(BaseHTTPRequestHandler):
    """Keeps what is posted."""

    heard: list[dict[str, Any]]
    status = 204

    def do_POST(self) -> None:
        self.heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


@pytest.fixture
def web() -> Iterator[HTTPServer]:
    Listener.heard, Listener.status = [], 204
    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A source with one file."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source/file").write_bytes(b"bytes")
    return tmp_path


def sync(home: Path, hooks: str, **more: str) -> int:
    places = {"source": f"{home}/source/", "target": f"{home}/target/", **more}
    lines = [*(f"    {name}: {place}" for name, place in places.items()), f"    hooks: {hooks}"]
    (home / "config.yaml").write_text("\n".join(["jobs:", "  nightly:", *lines, ""]))
    words = ["--config", str(home / "config.yaml"), "--state", str(home / "state")]
    return main(["sync", "--name", "nightly", *words, "--progress", "none"])


def test_a_web_address_hears_the_summary(home: Path, web: HTTPServer) -> None:
    assert sync(home, f"{{complete: 'http://127.0.0.1:{web.server_port}/x?token=y'}}") == 0

    [heard] = Listener.heard
    assert (heard["state"], heard["done"], heard["listed"]) == ("complete", 1, 1)


def test_a_command_hears_it_on_its_input(home: Path) -> None:
    assert sync(home, f"{{complete: [tee, '{home}/heard $(id)']}}") == 0

    assert json.loads((home / "heard $(id)").read_text())["done"] == 1


def test_only_the_hook_of_the_state_is_called(home: Path) -> None:
    assert sync(home, f"{{failed: [touch, '{home}/failed'], waiting: [touch, '{home}/w']}}") == 0

    assert not (home / "failed").exists()
    assert not (home / "w").exists()


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("['false']", "false ended with 1"),
        ("[/no/such/program]", "cannot be started"),
        ("'http://127.0.0.1:9/secret-path'", "http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_trouble_with_a_hook_is_told_and_stops_nothing(
    hook: str, said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sync(home, f"{{complete: {hook}}}") == 0

    errors = capsys.readouterr().err
    assert said in errors
    assert "secret-path" not in errors


def test_a_web_address_that_refuses_is_told(
    home: Path, web: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    Listener.status = 500

    assert sync(home, f"{{complete: 'http://127.0.0.1:{web.server_port}/'}}") == 0

    assert "answers 500" in capsys.readouterr().err


def test_what_is_no_hook_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sync(home, "{complete: 'mail me'}") == 2

    assert "as a list" in capsys.readouterr().err
