"""The table of commands and what is made of it; what is printed and what never is."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from bucketline.cli import main
from bucketline.cli.app import program
from bucketline.cli.examples import EXAMPLES
from bucketline.cli.group import load
from bucketline.cli.man import pages
from bucketline.cli.printer import Printer
from bucketline.cli.table import COMMANDS, LOOK, Row, children
from bucketline.errors import NoBucket
from bucketline.settings import Secret

SECRET = "demo-secret-not-real"
LEAVES = [row for row in COMMANDS if row.home]


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BUCKETLINE_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("row", LEAVES, ids=lambda row: row.name)
def test_every_row_leads_to_a_command_that_explains_itself(
    row: Row, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*row.name.split(), "--help"]) == 0

    assert row.help in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("row", LEAVES, ids=lambda row: row.name)
def test_every_option_says_what_it_does(row: Row) -> None:
    options = [param for param in load(row).params if isinstance(param, click.Option)]

    assert [option.name for option in options if not option.help] == []


def test_every_command_that_moves_or_looks_shows_how_it_is_called(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["sync", "-h"]) == 0

    assert "\n  Examples:\n    bucketline sync s3://photos/ s3://copy/ " in capsys.readouterr().out
    assert set(EXAMPLES) < {row.name for row in LEAVES}
    assert "\n.SH EXAMPLES\n.nf\nbucketline ls s3://" in dict(pages())["bucketline-ls"]


def test_groups_hold_their_own_commands_only() -> None:
    assert list(children("runs")) == [
        *("list", "show", "errors", "export", "report", "log", "prune"),
    ]
    assert "list" not in children("")


def test_help_is_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])

    out = capsys.readouterr().out
    assert all(row.name in out for row in COMMANDS if " " not in row.name)


def test_every_command_has_a_man_page_with_its_options() -> None:
    found = dict(pages())

    assert set(found) == {"bucketline"} | {
        f"bucketline-{row.name.replace(' ', '-')}" for row in COMMANDS
    }
    assert r"\fB\-\-max\-delete N|N%\fR" in found["bucketline-sync"]
    assert "\n.SH COMMANDS\n" in found["bucketline-runs"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_completion(shell: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["completion", shell]) == 0

    assert f"_BUCKETLINE_COMPLETE={shell}_complete".encode() in capfdbinary.readouterr().out


def test_a_shell_completes_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_BUCKETLINE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "bucketline sy")
    monkeypatch.setenv("COMP_CWORD", "1")

    assert main([]) == 0
    assert capsys.readouterr().out == "plain,sync\n"


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> list[str]:
    """The words of a command that fails so."""

    @click.command
    def boom() -> None:
        raise error

    module = ModuleType("bucketline.cli.boom")
    module.boom = boom  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bucketline.cli.boom", module)
    assert hasattr(program, "rows")
    monkeypatch.setitem(program.rows, "boom", Row("boom", "boom:boom", "Fail.", LOOK))
    return ["boom"]


def test_a_bug_is_one_line_and_a_file_without_secrets(
    state: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "demo-access")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)

    code = main(broken(monkeypatch, ValueError(f"it holds {SECRET}")))

    out, err = (text.decode() for text in capfdbinary.readouterr())
    [written] = state.iterdir()
    assert (code, out) == (1, "")
    assert err == (
        "bucketline: error: ValueError: it holds ••••; "
        f"this is a bug of bucketline; please report it with {written}\n"
    )
    assert "raise error" in written.read_text()
    assert SECRET not in written.read_text()


def test_a_store_that_says_no_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(broken(monkeypatch, NoBucket("no such bucket", store="s3://b/"))) == 5
    assert capfdbinary.readouterr().err == b"bucketline: error: s3://b/: no such bucket\n"


def test_an_interrupt_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(broken(monkeypatch, KeyboardInterrupt())) == 130
    assert capfdbinary.readouterr() == (b"", b"")


@pytest.mark.parametrize(
    "text",
    [
        f"the key is {SECRET}",
        f"http://me:{SECRET}@host/",
        f"GET /?X-Amz-Signature={SECRET}&x=1",
        f"Authorization: AWS4-HMAC-SHA256 Credential=x, Signature={SECRET}",
        f"aws_secret_access_key = {SECRET}",
        f'"session_token": "{SECRET}"',
    ],
)
def test_a_secret_does_not_get_out_in_any_shape(text: str) -> None:
    printer = Printer()
    if text.startswith("the key"):
        printer.hide(Secret(SECRET))

    assert SECRET not in printer.redacted(text)
    assert "••••" in printer.redacted(text)


def test_plain_words_about_secrets_stay_readable() -> None:
    text = "remotes.a.secret_key: a secret does not belong in this file"

    assert Printer().redacted(text) == text
