"""The API's own description, held against every route by a program that knows nothing of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.serving import call, new_token, serving

_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_PHASES = "coverage,fuzzing,stateful" if _SOAK else "coverage"  # test_fuzz.py is the quick one.
_ENDLESS = "/v1/events"


@pytest.mark.slow
def test_every_answer_is_described(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"x")
    call(state, "sync", str(tmp_path / "source"), str(tmp_path / "target"))
    # Most of what it invents is no run; this one is.
    (tmp_path / "schemathesis.toml").write_text('[parameters]\n"path.run" = "last"\n')
    token = new_token(state, "--scope", "run")
    with serving(state, "--insecure-http") as service:
        place = f"http://127.0.0.1:{service.port}/v1/openapi.json"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", place, "--no-color"),
                *("-H", f"Authorization: {token}", "--exclude-path", _ENDLESS),
                *("--phases", _PHASES, "--max-examples", "100", "--seed", "1", "--workers", "2"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=3_000,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert "Missing test data: 5 operations" in done.stdout  # Jobs, a ring, an epoch: not runs.
