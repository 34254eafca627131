"""What INT and TERM mean while a run is under way: finish and record, then stop at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bucketline.flow.run.terms import Stop

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ears:
    """What was heard so far."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        self.first = 0  # The first signal's number.

    @property
    def exit_code(self) -> int:
        """As shells count: 130 for INT, 143 for TERM, 0 for neither."""
        return 128 + self.first if self.first else 0

    def hear(self, number: int, frame: FrameType | None) -> None:
        """The first drains, the second stops, the third does not wait for anything."""
        del frame
        self.first = self.first or number
        if self.stop.now:
            raise KeyboardInterrupt
        if self.stop.drain:
            self.stop.now = True
        self.stop.drain = True


@contextmanager
def listening(stop: Stop) -> Iterator[Ears]:
    """Signals become wishes, until the end of the block."""
    ears = Ears(stop)
    if threading.current_thread() is not threading.main_thread():
        yield ears  # They reach the main thread alone, and its program has its own will.
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    heeded = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, ears.hear)
    try:
        yield ears
    finally:
        for number in heeded:
            signal.signal(number, before[number])
