"""The units in contrib/ call the program as it is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from bucketline.cli.splunk.run import run

CONTRIB = Path(__file__).resolve().parents[2] / "contrib"
UNITS = ["bucketline-splunk.service", "bucketline-splunk.timer"]


def test_the_service_says_options_that_there_are() -> None:
    text = (CONTRIB / UNITS[0]).read_text()
    [start] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    words = shlex.split(start)
    own = words[words.index("run") + 1 :]

    assert isinstance(run, click.Command)
    known = {option for one in run.params for option in one.opts}
    said = {word for word in own if word.startswith("--")}
    assert said
    assert said <= known
    assert words[words.index("splunk") - 1] == "plain"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
def test_systemd_takes_them(tmp_path: Path) -> None:
    """All but the program itself, which is not installed where the unit looks for it."""
    (tmp_path / "program").write_text("#!/bin/sh\n")
    (tmp_path / "program").chmod(0o755)
    for name in UNITS:
        text = (
            (CONTRIB / name).read_text().replace("/usr/local/bin/bucketline", f"{tmp_path}/program")
        )
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "bucketline-splunk" in line]
    assert not ours, ours
