"""The command line: words in, an engine's work, an exit code out."""

from __future__ import annotations

import signal
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and say how it ended."""
    # Until the program can answer an interrupt in one line, it ends quietly: imports take a moment.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bucketline.cli.app import main as run

    return run(arguments)
