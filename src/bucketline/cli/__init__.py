"""The command line: words in, an engine's work, an exit code out."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and say how it ended."""
    # Until the program can answer an interrupt in one line, it ends quietly: imports take a moment.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _have_streams()
    from bucketline.cli.app import main as run

    return run(arguments)


def _have_streams() -> None:
    """Whoever closed one of the three gets silence, and no file of ours takes its place."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
