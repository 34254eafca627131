"""The program itself: its own options, and the boundary where every error becomes one line."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from bucketline import __version__
from bucketline.cli.group import LazyGroup
from bucketline.cli.invocation import Invocation, common
from bucketline.cli.printer import hush
from bucketline.clock import SystemClock
from bucketline.errors import BucketlineError, DiskError, StoreError

NAME = "bucketline"
COMPLETE = "_BUCKETLINE_COMPLETE"
INTERRUPTED, TERMINATED = 130, 143
_GARBAGE_EVERY = 50_000  # Allocations: what we make by the million has no cycles to look for.
BROKEN_PIPE = 141  # What a shell says of a program whose reader went away.


class Terminated(KeyboardInterrupt):
    """The system asked us to end."""


@click.command(
    NAME,
    cls=LazyGroup,
    help="Moves S3 data and proves that it arrived.",
    epilog="bucketline COMMAND --help says more; exit codes: docs/exit-codes.md.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.version_option(__version__, message="bucketline %(version)s")
def program() -> None:
    """Everything is in the table of commands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and say how it ended; prints no traceback, whatever happens."""
    gc.set_threshold(_GARBAGE_EVERY)
    invocation = Invocation()
    try:
        _listen()
        code = _guarded(invocation, list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        hush(sys.stdout)
        return BROKEN_PIPE
    except OSError:  # It was told, if there was anything to tell.
        hush(sys.stdout)
        return code or DiskError.exit_code
    except KeyboardInterrupt as error:
        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    return code


def _listen() -> None:
    """Both signals become exceptions; a shell that had INT ignored for us keeps its will."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise Terminated


def _guarded(invocation: Invocation, arguments: list[str]) -> int:
    printer = invocation.printer
    try:
        if keys := invocation.environment.keys:
            printer.hide(keys.secret_key, keys.session_token)
        return _call(invocation, arguments)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        printer.notice(error.format_message())
        return error.exit_code
    except click.ClickException as error:
        printer.error(_usage(error))
        return error.exit_code
    except BucketlineError as error:
        printer.error(_one_line(error))
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:  # A bug of ours: a person needs a line, a developer the traceback.
        printer.error(f"{type(error).__name__}: {error}; {_kept_traceback(invocation)}")
        return 1


def _call(invocation: Invocation, arguments: list[str]) -> int:
    if instruction := invocation.environment.first(COMPLETE):
        return shell_complete(program, {}, NAME, COMPLETE, instruction)
    with program.make_context(NAME, arguments, obj=invocation) as context:
        code = program.invoke(context)
        return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else NAME
    message = " ".join(error.format_message().split())
    return f"{message.rstrip('.')} (see {path} --help)"


def _one_line(error: BucketlineError) -> str:
    if isinstance(error, StoreError) and not str(error).strip():
        return error.cause
    return str(error)


def _kept_traceback(invocation: Invocation) -> str:
    """Where the traceback is, for a bug report."""
    from tempfile import gettempdir

    text = invocation.printer.redacted(traceback.format_exc())
    moment = datetime.fromtimestamp(SystemClock().now(), UTC)
    name = f"traceback-{moment:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (invocation.state_folder, Path(gettempdir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return f"this is a bug of bucketline; please report it with {folder / name}"
    return "this is a bug of bucketline; its traceback could not be written anywhere"
