"""The MD5 of a whole object whose parts pass in any order."""

from __future__ import annotations

import hashlib
from functools import partial

from bucketline.stores.base import Flow, Pause, Work

_INLINE_MAX = 64 << 10  # A hash of so few bytes costs less than handing it to a thread.
_PATIENCE_SECONDS = 0.005


class InOrder:
    """Hashes parts in their order. Bodies of those that came too early wait here for their turn.

    So that they are few, whoever brings a part stays with it until it has `passed`.
    """

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._next = 1
        self._waiting: dict[int, bytes] = {}
        self._is_hashing = False
        self._is_over = False

    @property
    def etag(self) -> str:
        """Of all that has passed."""
        return self._md5.hexdigest()

    def add(self, number: int, body: bytes) -> Flow[None]:
        """Part `number`, from 1 on; whoever has the one whose turn it is hashes all that it can."""
        self._waiting[number] = body
        if self._is_hashing:
            return
        self._is_hashing = True
        while (body := self._waiting.pop(self._next, b"")) and not self._is_over:
            if len(body) <= _INLINE_MAX:
                self._md5.update(body)
            else:
                yield Work(partial(self._md5.update, body), name="hash")
            self._next += 1
        self._is_hashing = False

    def passed(self, number: int) -> Flow[None]:
        """Wait until the part is hashed."""
        while self._next <= number and not self._is_over:
            yield Pause(_PATIENCE_SECONDS)

    def give_up(self) -> None:
        """A part will never come: nobody waits for it."""
        self._is_over = True
        self._waiting.clear()
