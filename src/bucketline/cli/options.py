"""The options that commands share: which endpoint, whose credentials, which keys, how fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from bucketline.errors import UsageError
from bucketline.settings import Side
from bucketline.sizes import parse_seconds, parse_size
from bucketline.timetable import parse_timetable

F = TypeVar("F", bound=Callable[..., Any])
Said = Mapping[str, Any]  # An option's name -> what was said, None if nothing was.

COMPARE = ("auto", "etag", "checksum", "bytes", "mtime", "size")


class Size(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """`10M`: bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_size(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Period(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """`2h30m`: seconds."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_seconds(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Rates(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """`10M` or a timetable; stays the text that it is."""

    name = "rates"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parse_timetable(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)
        return str(value)


class Workers(click.ParamType):  # type: ignore[type-arg] # Older clicks know no argument.
    """`auto` or a number; stays the text that it is."""

    name = "workers"
    most = 1024

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        is_number = text.isascii() and text.isdigit() and 1 <= int(text) <= self.most
        if text != "auto" and not is_number:
            self.fail(f"{text!r} is neither auto nor a number from 1 to {self.most}", param, ctx)
        return text


class Processes(Workers):
    """The same for processes."""

    name = "processes"
    most = 64


class Ordered(click.Command):
    """Remembers in which order options came: for --include and --exclude it matters."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[__name__] = [param.name for param in order]
        return super().parse_args(ctx, args)


def rules_in_order(said: Said) -> list[tuple[str, str]]:
    """("include" | "exclude", pattern) as they stood on the command line."""
    order: Sequence[str] = click.get_current_context().meta.get(__name__, ())
    values = {name: iter(said[name]) for name in ("include", "exclude")}
    return [(name, next(values[name])) for name in order if name in values]


def side_of(said: Said, prefix: str = "") -> Side:
    """What was said of one side (`source_`, `target_`), or of all ("")."""
    return Side(
        endpoints=tuple(said[f"{prefix}endpoint_url"]),
        profile=said[f"{prefix}profile"] or "",
        region=said[f"{prefix}region"] or "",
        anonymous=bool(said.get(f"{prefix}no_sign_request")),
        ca_bundle=said.get(f"{prefix}ca_bundle") or "",
        verify_tls=not said.get(f"{prefix}no_verify_ssl"),
        sse_c_key=said.get(f"{prefix}sse_c_key") or "",
    )


def one_place(command: F) -> F:
    """How to reach the place, or both of them."""
    return options(
        command,
        click.option("--endpoint-url", multiple=True, metavar="URL", help="Instead of AWS."),
        click.option("--profile", metavar="NAME", help="Of the AWS configuration files."),
        click.option("--region", metavar="NAME", help="To sign for."),
        click.option("--no-sign-request", is_flag=True, help="Access without credentials."),
        click.option("--ca-bundle", metavar="FILE", help="Authorities to trust."),
        click.option("--sse-c-key", metavar="REF", help="Encryption with a key at env:, file:."),
        click.option("--no-verify-ssl", is_flag=True, help="Trust any certificate: unsafe."),
    )


def two_places(command: F) -> F:
    """How to reach each of the two places."""
    command = options(command, *_of_side("source"), *_of_side("target"))
    return one_place(command)


def _of_side(side: str) -> list[Callable[[F], F]]:
    return [
        click.option(
            f"--{side}-endpoint-url",
            multiple=True,
            metavar="URL",
            help=f"The {side}'s endpoint.",
        ),
        click.option(f"--{side}-profile", metavar="NAME", help=f"The {side}'s credentials."),
        click.option(f"--{side}-region", metavar="NAME", help=f"The {side}'s region."),
        click.option(f"--{side}-no-sign-request", is_flag=True, help=f"No credentials at {side}."),
        click.option(f"--{side}-sse-c-key", metavar="REF", help=f"A key of the {side}'s own."),
    ]


def choosing(command: F) -> F:
    """Which objects take part, and how they are compared."""
    command = options(
        command,
        click.option("--compare", type=click.Choice(COMPARE), help="What makes objects the same."),
    )
    return filtering(command)


def filtering(command: F) -> F:
    """Which objects take part."""
    return options(
        command,
        click.option("--include", multiple=True, metavar="GLOB", help="Take these keys."),
        click.option(
            "--exclude",
            multiple=True,
            metavar="GLOB",
            help="Leave these; of both, the first that matches decides.",
        ),
        click.option("--only", metavar="FILE", help="Take the keys of FILE (lines, JSON lines)."),
    )


def packing(command: F) -> F:
    """Whether small objects travel, or may lie, in archives."""
    return options(
        command,
        click.option(
            "--batch-tar/--no-batch-tar",
            default=None,
            help="Small new objects go as tars, which the device extracts later.",
        ),
    )


def planning(command: F) -> F:
    """What else shapes a plan: where the source's keys come from, what goes, what is enough."""
    return options(
        command,
        click.option(
            "--delete/--no-delete", default=None, help="Delete at TARGET what SOURCE lacks."
        ),
        click.option("--max-delete", metavar="N|N%", help="Refuse to delete more (default 1000)."),
        click.option(
            "--from-inventory",
            metavar="MANIFEST",
            help="Take SOURCE's keys from an S3 Inventory's manifest.json, instead of listing.",
        ),
        click.option(
            "--accept-proof",
            type=click.Choice(["size", "etag"]),
            help="Weakest proof of DONE; size: nothing is hashed to judge the source.",
        ),
        click.option(
            "--name",
            metavar="NAME",
            help="The job's name; alone, SOURCE and TARGET come from the file.",
        ),
    )


def pacing(command: F) -> F:
    """How much at once, how fast, how long, how often."""
    command = options(
        command,
        click.option("--watch", is_flag=True, help="Run again and again, for ever."),
        click.option(
            "--processes", type=Processes(), metavar="auto|N", help="Processes, this one included."
        ),
        click.option(
            "--every", type=Period(), metavar="TIME", help="Between looks with --watch (60s)."
        ),
        click.option(
            "--engine", type=click.Choice(["embedded", "spark"]), help="Who performs small copies."
        ),
        click.option("--master", metavar="URL", help="Of Spark: spark://host:7077 (local[*])."),
    )
    return limiting(command)


def limiting(command: F) -> F:
    """How much at once, how fast, how long."""
    return options(
        command,
        click.option("--workers", type=Workers(), metavar="auto|N", help="Objects under way."),
        click.option(
            "--bwlimit",
            type=Rates(),
            metavar="RATE",
            help="Bytes per second, all together: 10M, or '08:00,10M 19:00,off'.",
        ),
        click.option(
            "--max-duration", type=Period(), metavar="TIME", help="End after 90s, 15m, 2h30m."
        ),
        click.option("--max-bytes", type=Size(), metavar="SIZE", help="End before moving more."),
    )


def options(command: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        command = option(command)
    return command
