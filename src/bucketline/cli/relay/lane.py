"""Work beside the main thread, whose end is awaited and whose error is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bucketline.cli.relay.systemd import Pulse
from bucketline.flow.run.terms import Ran


class Lane:
    """One thread."""

    def __init__(self, work: Callable[[], Ran], pulse: Pulse) -> None:
        self.error: Exception | None = None
        self._work = work
        self._pulse = pulse
        self._ran: Ran | None = None
        self._thread = threading.Thread(target=self._go, name="bucketline-forward", daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> None:
        """Wait for its end, however long that takes; signals are heard meanwhile."""
        while self._thread.is_alive():
            self._thread.join(0.2)

    def result(self) -> Ran:
        """How it ended; raises what ended it."""
        if self.error is not None:
            raise self.error
        assert self._ran is not None
        return self._ran

    def _go(self) -> None:
        try:
            with self._pulse.watched():
                self._ran = self._work()
        except Exception as error:  # Travels to whoever asks for the result.
            self.error = error
