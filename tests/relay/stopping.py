"""`bucketline`, which stops itself at one moment: right before or behind a change to a disk.

BUCKETLINE_TEST_STOP is "NAME when NTH", as in "rename before 3". What stopped is at the mercy of
whoever started it; nobody else of this process goes on meanwhile.
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from bucketline.cli import main
from bucketline.flow.ledger import Ledger
from bucketline.stores.local.sync import Flush

POINTS = {
    "write": (os, "pwrite"),
    "flush": (Flush, "__call__"),
    "rename": (os, "rename"),
    "remove": (os, "unlink"),
    "record": (Ledger, "record"),
}


def stopping(deed: Callable[..., Any], when: str, nth: int) -> Callable[..., Any]:
    counted = itertools.count(1)

    @functools.wraps(deed)
    def wrapped(*words: Any, **named: Any) -> Any:
        is_it = next(counted) == nth
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGSTOP)
        told = deed(*words, **named)
        if is_it and when == "after":
            os.kill(os.getpid(), signal.SIGSTOP)
        return told

    return wrapped


if __name__ == "__main__":
    name, when, nth = os.environ["BUCKETLINE_TEST_STOP"].split()
    home, attribute = POINTS[name]
    setattr(home, attribute, stopping(getattr(home, attribute), when, int(nth)))
    sys.exit(main(sys.argv[1:]))
