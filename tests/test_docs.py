"""The documents tell the truth: their examples run, and they leave no command out."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline import errors
from bucketline.cli.demo.children import find_rclone, server
from bucketline.cli.table import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
ENDINGS = {0, 1, 3, 4, 130, 141, 143}  # Of runs and of the program itself; errors have the others.
KEYS = {"AWS_ACCESS_KEY_ID": "demo-access", "AWS_SECRET_ACCESS_KEY": "demo-secret-not-real"}


def examples(page: str) -> list[list[str]]:
    """The commands of the page's first block for a shell, as words."""
    block = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    lines = block.replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("#")]


def causes() -> dict[str, int]:
    """Every error that ends a run, and its exit code."""
    found = {}
    waiting: list[type[errors.BucketlineError]] = [errors.BucketlineError]
    while waiting:
        cause = waiting.pop()
        waiting += [kind for kind in cause.__subclasses__() if kind.__module__ == errors.__name__]
        found[cause.__name__] = cause.exit_code
    return found


def documented() -> dict[int, str]:
    """The rows of the table of exit codes."""
    page = (ROOT / "docs" / "exit-codes.md").read_text()
    return {
        int(code): rest for code, rest in re.findall(r"^\| (\d+) \|(.*)\|$", page, re.MULTILINE)
    }


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Two servers with a bucket each, and a folder: what the examples talk about."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "may.txt").write_text("all is well")
    around = {
        **KEYS,
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "BUCKETLINE_STATE": str(tmp_path / "state"),
        "RCLONE_CONFIG": "/nonexistent",
        "RCLONE_AUTH_KEY": '"{AWS_ACCESS_KEY_ID},{AWS_SECRET_ACCESS_KEY}"'.format(**KEYS),
    }
    rclone = find_rclone()
    with server(rclone, around) as one, server(rclone, around) as two:
        for url, bucket in ((one, "photos"), (two, "copy")):
            make_bucket(rclone, url, bucket, around)
        yield {**around, "http://one.example:9000": one, "http://two.example:9000": two}


def make_bucket(rclone: str, url: str, bucket: str, around: dict[str, str]) -> None:
    words = [rclone, "copy", ".", f":s3,provider=Rclone,env_auth,endpoint='{url}':{bucket}"]
    folder = Path(around["HOME"]) / "reports"
    subprocess.run(words, env=around, cwd=folder, check=True, capture_output=True, timeout=30)


def call(words: list[str], around: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        env=around,
        cwd=around["HOME"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_examples_of_the_readme_run(places: dict[str, str]) -> None:
    commands = examples(README)
    assert len(commands) == 5
    for words in commands:
        ended = call([places.get(word, word) for word in words], places)

        assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"


def test_the_configuration_shown_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "sync.md").read_text()
    block = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    key = tmp_path / "new.key"
    key.write_text("demo-secret-not-real")
    key.chmod(0o600)
    file = tmp_path / "config.yaml"
    file.write_text(block.replace("/etc/bucketline/new.key", str(key)))

    around = {"HOME": str(tmp_path), "NEW_ACCESS_KEY": "demo-access"}
    ended = call(["bucketline", "config", "check", "--config", str(file)], around)

    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("command", [row.name for row in COMMANDS if row.home])
def test_every_command_is_in_the_documents(command: str) -> None:
    pages = "".join(
        page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    )

    assert re.search(rf"(bucketline|run) {command}\b", pages), f"nobody tells of {command}"


def test_no_document_promises_a_command_that_is_not_there() -> None:
    known = {row.name.split()[0] for row in COMMANDS}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    told = {
        word
        for page in pages
        for word in re.findall(r"`(?:\./run|bucketline) ([a-z][a-z-]*)\b", page.read_text())
    }

    assert told - known == {"bundle", "bench"}


def test_every_error_has_its_exit_code_in_the_table() -> None:
    table = documented()
    for cause, code in causes().items():
        is_named = {row for row, text in table.items() if f"`{cause}`" in text}

        assert is_named == ({code} if code != 1 else set()), cause


def test_the_table_of_exit_codes_holds_nothing_else() -> None:
    assert set(documented()) == ENDINGS | set(causes().values())
