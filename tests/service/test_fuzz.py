"""Whatever is asked, the answer is one that the API's own description knows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.serving import Service, call, new_token, serving

_EXAMPLES = 5_000 if os.environ.get("BUCKETLINE_SOAK") else 150
_WORDS = ["last", "0", "-1", "1", "1e9", "true", "failed", "done", "ndjson", "", "é", "\x00", "a/b"]
_TEXTS = st.one_of(st.sampled_from(_WORDS), st.text(max_size=30), st.integers().map(str))
_STREAMS = ("/v1/events",)  # They have no end.


@pytest.fixture(scope="module")
def token(state: Path) -> str:
    return new_token(state, "--scope", "run")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fuzzed")
    (home / "source").mkdir()
    (home / "source" / "a").write_bytes(b"x")
    call(home / "state", "sync", str(home / "source"), str(home / "target"))
    return home / "state"


@pytest.fixture(scope="module")
def service(state: Path, token: str) -> Iterator[Service]:
    with serving(state, "--insecure-http") as service:
        yield service


@pytest.fixture(scope="module")
def described(service: Service, token: str) -> dict[str, Any]:
    told: dict[str, Any] = service.ask("/v1/openapi.json", token).json["paths"]
    return {path: told[path] for path in told if path not in _STREAMS}


def test_no_question_breaks_it(service: Service, token: str, described: dict[str, Any]) -> None:
    places = [(path, verb) for path, verbs in described.items() for verb in verbs]

    @settings(max_examples=_EXAMPLES)
    @given(place=st.sampled_from(places), data=st.data())
    def ask(place: tuple[str, str], data: st.DataObject) -> None:
        path, verb = place
        named = [one["name"] for one in described[path][verb].get("parameters", ())]
        query = data.draw(
            st.lists(
                st.tuples(st.one_of(st.sampled_from([*named, "no"]), _TEXTS), _TEXTS), max_size=3
            )
        )
        for name in named:
            path = path.replace(f"{{{name}}}", quote(data.draw(_TEXTS) or "x", safe=""))
        said = urlencode([(name, value) for name, value in query if f"{{{name}}}" not in place[0]])

        answer = service.ask(f"{path}?{said}", token, verb.upper())

        assert answer.status < 500, (path, said, answer.body)
        assert str(answer.status) in described[place[0]][verb]["responses"]
        if answer.status >= 400:
            assert set(answer.json) == {"error"}
            assert answer.json["error"]["status"] == answer.status
        elif answer.headers["content-type"] == "application/x-ndjson":
            assert all(isinstance(json.loads(line), dict) for line in answer.body.splitlines())
        elif "json" in answer.headers["content-type"]:
            assert isinstance(answer.json, dict | list)

    ask()


def test_all_of_it_is_described(described: dict[str, Any]) -> None:
    for verbs in described.values():
        for told in verbs.values():
            assert told["description"]
            assert any(code.startswith("2") for code in told["responses"])
            assert {"400", "401", "403", "429", "503"} <= told["responses"].keys()
            assert "422" not in told["responses"]
