"""What lies in contrib/ speaks of numbers, labels, options and routes that there are."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bucketline.cli.serve import serve
from bucketline.flow.metrics.sample import Sample
from bucketline.flow.metrics.textfile import lines
from bucketline.service.guard import _OPEN

ROOT = Path(__file__).resolve().parents[2]
_LABELS = {"command": "sync", "name": "", "source": "a", "target": "b"}
_TOLD = {
    line.partition("{")[0]: line
    for state in ("running", "crashed")
    for line in lines(Sample("sync", state, buckets={"b": 1}, labels=_LABELS), 1.0, 1.0)
    if not line.startswith("#")
}
_WORDS = {word for line in _TOLD.values() for word in re.findall(r"(\w+)=\"", line)}


def rules(text: str) -> dict[str, Any]:
    told = YAML(typ="safe").load(StringIO(text))
    return {one["alert"]: one for group in told["groups"] for one in group["rules"]}


def expressions() -> list[str]:
    board = json.loads((ROOT / "contrib" / "grafana-dashboard.json").read_text())
    of_board = [one["expr"] for panel in board["panels"] for one in panel["targets"]]
    alerts = rules((ROOT / "contrib" / "prometheus-alerts.yml").read_text())
    return of_board + [one["expr"] for one in alerts.values()]


def test_they_ask_for_numbers_that_are_told() -> None:
    for said in expressions():
        names = re.findall(r"bucketline_\w+", said)
        assert names
        assert set(names) <= _TOLD.keys()
        assert set(re.findall(r"(\w+)=~?\"", said)) <= _WORDS


def test_the_page_on_metrics_has_the_same_alerts() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    block = re.findall(r"^```yaml\n(groups:.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    ours = rules((ROOT / "contrib" / "prometheus-alerts.yml").read_text())
    for name, told in rules(block).items():
        assert (ours[name]["expr"], ours[name].get("for")) == (told["expr"], told.get("for"))


def test_a_run_that_crashed_is_in_none_of_the_states() -> None:
    told = lines(Sample("sync", "crashed", labels=_LABELS), 1.0, 1.0)
    states = [line for line in told if line.startswith("bucketline_run_state{")]
    assert {line.rpartition(" ")[2] for line in states} == {"0.0"}


def test_the_container_is_started_as_the_program_is() -> None:
    text = (ROOT / "contrib" / "Containerfile").read_text()
    words = json.loads(re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[0])
    assert words[:2] == ["bucketline", "serve"]
    assert serve.make_context("serve", words[2:]).params["host"] == "0.0.0.0"
    asked = re.findall(r"localhost:8443(/[\w/]+)", text)
    assert asked
    assert set(asked) <= set(_OPEN)
    for folder in re.findall(r"^COPY (.*) /clone/\S*$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in folder.split())
