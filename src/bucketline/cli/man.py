"""`bucketline man`: the man pages, made of the same table as the help."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from bucketline import __version__
from bucketline.cli.app import NAME, program
from bucketline.cli.examples import EXAMPLES
from bucketline.cli.group import load
from bucketline.cli.invocation import Invocation, pass_invocation
from bucketline.cli.table import COMMANDS
from bucketline.errors import DiskError


@click.command
@click.argument("folder", metavar="DIR")
@pass_invocation
def man(invocation: Invocation, folder: str) -> None:
    """Pages are named bucketline.1, bucketline-sync.1 and so on."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, page in pages():
            path = Path(folder, f"{name}.1")
            path.write_text(page, encoding="utf-8")
            invocation.printer.result(str(path))
    except OSError as error:
        raise DiskError(f"{folder}: {error.strerror}; choose another folder") from None


def pages() -> Iterator[tuple[str, str]]:
    """Each page's name and text, in roff."""
    yield NAME, _page(NAME, program, "moves S3 data and proves that it arrived")
    for row in COMMANDS:
        name = f"{NAME}-{row.name.replace(' ', '-')}"
        yield name, _page(f"{NAME} {row.name}", load(row), row.help)


def _page(path: str, command: click.Command, summary: str) -> str:
    context = click.Context(command, info_name=path)
    lines = [
        f'.TH "{path.replace(" ", "-").upper()}" 1 "" "bucketline {__version__}" "bucketline"',
        ".SH NAME",
        rf"{path.replace(' ', '-')} \- {_roff(summary)}",
        ".SH SYNOPSIS",
        rf".B {_roff(path)}",
        _roff(" ".join(command.collect_usage_pieces(context))),
    ]
    if command.help:
        lines += [".SH DESCRIPTION", _roff(command.help).replace("\n\n", "\n.PP\n")]
    lines += [*_options(command, context), *_commands(path, command)]
    lines += [*_examples(path), *_see_also(path)]
    return "\n".join(lines) + "\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS"
    for param in command.get_params(context):
        if record := param.get_help_record(context):
            names, text = record
            yield from (".TP", rf"\fB{_roff(names)}\fR", _roff(text or ""))


def _commands(path: str, command: click.Command) -> Iterator[str]:
    if not isinstance(command, click.Group):
        return
    prefix = path.removeprefix(NAME).strip()
    yield ".SH COMMANDS"
    for row in COMMANDS:
        if row.name.startswith(prefix) and row.name != prefix:
            yield from (".TP", rf"\fB{NAME} {row.name}\fR", _roff(row.help))


def _examples(path: str) -> Iterator[str]:
    if lines := EXAMPLES.get(path.removeprefix(NAME).strip()):
        yield from (".SH EXAMPLES", ".nf", *map(_roff, lines), ".fi")


def _see_also(path: str) -> Iterator[str]:
    if path != NAME:
        yield from (".SH SEE ALSO", rf"\fB{NAME}\fR(1)")


def _roff(text: str) -> str:
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return "\n".join(rf"\&{line}" if line[:1] in ".'" else line for line in escaped.split("\n"))
