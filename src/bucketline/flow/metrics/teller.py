"""Tells numbers now and then while a run goes on, in a thread: nothing waits for who listens."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock, Thread

from bucketline.clock import Clock
from bucketline.errors import BucketlineError
from bucketline.flow.metrics.sample import Sample

Tell = Callable[[Sample, Sample | None], None]  # A sample, and the one that was told before.

_LAST_SECONDS = 20.0  # So long the end of a run waits for its last numbers to be told.


class Teller:
    """One listener. What goes wrong with it is said once, and stops nothing."""

    def __init__(
        self,
        tell: Tell,
        every_seconds: float,
        clock: Clock,
        say: Callable[[str], None],
        *,
        due: float = 0.0,  # Nothing before, by the monotonic clock.
    ) -> None:
        self._tell = tell
        self._every_seconds = every_seconds
        self._clock = clock
        self._say = say
        self._told: Sample | None = None
        self._next: Sample | None = None
        self._due = max(due, clock.monotonic())
        self._is_over = False
        self._said = False
        self._lock = Lock()
        self._wake = Event()
        self._thread = Thread(target=self._work, name="metrics", daemon=True)
        self._thread.start()

    def see(self, sample: Sample) -> None:
        """How it stands now; told if it is time."""
        if self._clock.monotonic() >= self._due:
            self._due = self._clock.monotonic() + self._every_seconds
            self._take(sample, is_last=False)

    def end(self, sample: Sample, *, is_idle: bool = False) -> float:
        """How it ended; told whatever the time, unless it was idle. When the next one is due."""
        is_due = self._clock.monotonic() >= self._due
        if is_due or not is_idle:
            self._due = self._clock.monotonic() + self._every_seconds
        self._take(sample if is_due or not is_idle else None, is_last=True)
        self._thread.join(_LAST_SECONDS)
        return self._due

    def _take(self, sample: Sample | None, *, is_last: bool) -> None:
        with self._lock:
            self._next, self._is_over = sample, is_last
        self._wake.set()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            with self._lock:
                self._wake.clear()
                sample, self._next, is_over = self._next, None, self._is_over
            if sample is not None:
                self._told = self._tell_of(sample)
            if is_over:
                return

    def _tell_of(self, sample: Sample) -> Sample | None:
        """What has been told by now: what could not be, comes along with the next."""
        try:
            self._tell(sample, self._told)
        except BucketlineError as error:
            if not self._said:
                self._said = True
                self._say(f"metrics: {error}; the run goes on without them")
            return self._told
        return sample
