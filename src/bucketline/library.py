"""Bucketline from Python: each command is a function, and what it would print is what it returns.

    from bucketline.library import sync

    done = sync("s3://photos/", "/backup/photos/", exclude="*.tmp", delete=True, max_delete="5%")
    print(done.summary["done"], "copied")

Options are those of the command line, with `_` for `-`: True is a flag, a list says it several
times. What would end the program with a message (exit codes 2, 5, 6, 7) is raised as a
`BucketlineError`; `done.code` is 0, 1, 3, 4, or 130 as in docs/exit-codes.md. For any thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import click

from bucketline.cli.app import NAME, program
from bucketline.cli.group import load
from bucketline.cli.invocation import Invocation
from bucketline.cli.printer import Printer
from bucketline.cli.table import COMMANDS, Row
from bucketline.errors import UsageError

Record = Mapping[str, Any]
_WELL = ("done", "skipped")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    command: str
    code: int
    records: list[Record] = field(repr=False)  # All that is told, but objects that went well.
    notices: list[str] = field(repr=False)  # For people.

    @property
    def summary(self) -> Record:
        """The last record: counters and state; empty if nothing was told."""
        return self.records[-1] if self.records else {}

    @property
    def troubles(self) -> list[Record]:
        """The objects that failed or wait, each with `key`, `cause` and `message`."""
        return [record for record in self.records if record.get("event") == "object"]


class Recording(Printer):
    """Keeps what others print."""

    def __init__(self, heard: Callable[[Record], None] | None) -> None:
        super().__init__()
        self.records: list[Record] = []
        self.notices: list[str] = []
        self._heard = heard

    def results(self, lines: Iterable[str]) -> None:
        for line in lines:
            record: Record = json.loads(self.masked(line))
            if self._heard is not None:
                self._heard(record)
            if record.get("event") != "object" or record.get("fate") not in _WELL:
                self.records.append(record)

    def raw(self, lines: Iterable[bytes]) -> None:
        del lines
        raise UsageError("this writes bytes, and no records; name a file with output=")

    def notice(self, text: str) -> None:
        self.notices.append(self.redacted(text))


def call(
    command: str, *places: str, heard: Callable[[Record], None] | None = None, **options: Any
) -> Done:
    """Carry out a command, as in `call("runs list")`; `heard` is told each record as it comes."""
    row = _row(command)
    words = [*row.name.split(), "--json", *_words(load(row), options)]
    if "progress" not in options:
        words += ["--progress", "none"]
    printer = Recording(heard)
    invocation = Invocation(printer=printer)
    if keys := invocation.environment.keys:
        printer.hide(keys.secret_key, keys.session_token)
    try:
        with program.make_context(NAME, [*words, "--", *places], obj=invocation) as context:
            code = program.invoke(context)
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    return Done(row.name, code if isinstance(code, int) else 0, printer.records, printer.notices)


def __getattr__(name: str) -> Callable[..., Done]:
    """`sync`, `thaw`, `runs_list` …: a function for every command of the table."""
    try:
        return partial(call, _row(name.replace("_", " ")).name)
    except UsageError:
        raise AttributeError(f"bucketline has no command {name!r}") from None


def _row(command: str) -> Row:
    for row in COMMANDS:
        if row.home and row.name in (command, command.replace(" ", "-")):
            return row
    raise UsageError(f"there is no command {command!r}")


def _words(command: click.Command, options: Mapping[str, Any]) -> Iterator[str]:
    known = {param.opts[-1]: param for param in command.params if isinstance(param, click.Option)}
    named = {name: param for param in known.values() for name in [param.name, *param.opts]}
    for name, value in options.items():
        param = named.get(f"--{name.replace('_', '-')}") or named.get(name)
        if param is None:
            raise UsageError(f"{command.name}: takes no {name}; see bucketline {command.name} -h")
        yield from _said(param, name, value)


def _said(param: click.Option, name: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    option = next((opt for opt in param.opts if opt.startswith("--")), param.opts[0])
    if isinstance(value, bool):
        if not param.is_flag:
            raise UsageError(f"{name}: takes a value, and no {value}")
        yield from [option] if value else param.secondary_opts[:1]
    elif isinstance(value, list | tuple):
        for one in value:
            yield f"{option}={one}"
    else:
        yield f"{option}={value}"
