"""Whole sessions at the command line, as a person sees them: tests/transcripts/*.txt.

    file path: text     a file, made before the next command (`\\n` is a line break)
    $ bucketline …      a command, in this process
    text                what it writes to stdout; behind `2> `, to stderr
    [code]              its exit code, if it is not 0

What changes from run to run is masked: HERE the folder, RUN a run's id, T a time, SHA256 a digest.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.cli import main

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
MASKS = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "SHA256"),
    (re.compile(r"\b\d+\.\d s\b"), "T s"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "T"),
    (re.compile(r'("(?:seconds|modified|made)":)[\d.]+'), r"\1T"),
)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The program takes over signals, and gives them back by ending."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def played(line: str, capfdbinary: pytest.CaptureFixture[bytes]) -> Iterator[str]:
    """What a command answers, in the transcript's form."""
    code = main(shlex.split(line.removeprefix("$ bucketline")))
    out, err = capfdbinary.readouterr()
    yield from out.decode().splitlines()
    yield from (f"2> {text}" for text in err.decode().splitlines())
    if code:
        yield f"[{code}]"


def masked(text: str, here: Path) -> str:
    text = text.replace(str(here), "HERE")
    for shape, mask in MASKS:
        text = shape.sub(mask, text)
    return text.rstrip()


def make(here: Path, line: str) -> None:
    name, _, text = line.removeprefix("file ").partition(":")
    path = here / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.strip().replace("\\n", "\n"))


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_session_goes_as_written(
    transcript: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BUCKETLINE_STATE", str(tmp_path / "state"))
    for name in os.environ:
        if name.startswith(("AWS_", "BUCKETLINE_CONFIG", "XDG_")):
            monkeypatch.delenv(name)
    expected = transcript.read_text().splitlines()
    actual: list[str] = []
    for line in expected:
        if line.startswith("file "):
            make(tmp_path, line)
        if line.startswith(("file ", "#")) or not line:
            actual.append(line)
        elif line.startswith("$ "):
            actual.append(line)
            actual += [masked(text, tmp_path) for text in played(line, capfdbinary)]

    assert "\n".join(_without_blanks(actual)) == "\n".join(_without_blanks(expected))


def _without_blanks(lines: list[str]) -> list[str]:
    return [line for line in lines if line]
