"""Groups of commands that import a command only when it is called."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from inspect import cleandoc

import click

from bucketline.cli.examples import EXAMPLES
from bucketline.cli.table import Row, children


class LazyGroup(click.Group):
    """The commands of the table under `path`."""

    def __init__(self, path: str = "", **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.path = path
        self.rows = children(path)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        row = self.rows.get(cmd_name)
        return load(row) if row else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.rows and not args[0].startswith("-"):
            close = get_close_matches(args[0], self.rows, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(self.rows)}"
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        headings = dict.fromkeys(row.heading for row in self.rows.values())
        for heading in headings:
            rows = [(n, row.help) for n, row in self.rows.items() if row.heading == heading]
            with formatter.section("Commands" if self.path else heading):
                formatter.write_dl(rows)


def load(row: Row) -> click.Command:
    """The command of a row; its first line of help is the table's."""
    if not row.home:
        return LazyGroup(row.name, name=row.name.split()[-1], help=row.help)
    module, _, function = row.home.partition(":")
    command = getattr(import_module(f"bucketline.cli.{module}"), function)
    assert isinstance(command, click.Command)
    command.name = row.name.split()[-1]
    more = cleandoc(command.help) if command.help else ""
    if not more.startswith(row.help):  # The same command may be loaded again.
        command.help = f"{row.help}\n\n{more}".strip()
    if lines := EXAMPLES.get(row.name):  # The mark keeps lines as they are.
        command.epilog = "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in lines)])
    return command
