"""The program as it dies: killed right before the nth thing that it does to the world.

Such a thing is a call of the vendor's client, or a file below the folder that is made, opened for
writing, renamed or removed. Words: the folder, n, a file for how many there were, the command.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from bucketline.cli import main

REQUEST = "a request"  # Raised by programs that count theirs, too.
_FILES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}
_WRITING = os.O_WRONLY | os.O_RDWR


def is_step(event: str, words: tuple[object, ...], below: str) -> bool:
    if event in ("subprocess.Popen", REQUEST):
        return True
    if event == "open" and not (isinstance(words[2], int) and words[2] & _WRITING):
        return False
    return event in _FILES | {"open"} and str(words[0]).startswith(below)


class Dying:
    """Counts, and ends at the nth."""

    def __init__(self, below: str, nth: int) -> None:
        self.below, self.left, self.seen = below, nth, 0

    def __call__(self, event: str, words: tuple[object, ...]) -> None:
        if not is_step(event, words, self.below):
            return
        self.seen += 1
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def run(below: str, nth: str, count: str, *words: str) -> int:
    dying = Dying(below, int(nth))
    sys.addaudithook(dying)
    sys.argv = ["bucketline", *words]
    code = main()
    if not int(nth):
        Path(count).write_text(str(dying.seen))
    return code


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
