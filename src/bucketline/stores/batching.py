"""Deletes that come together go together: one request for up to a thousand keys."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import partial
from typing import TypeVar

from bucketline.errors import Broken, StoreError
from bucketline.stores.base import Flow, Gate, Pause, Store
from bucketline.stores.wrap import Around

T = TypeVar("T")
_BATCH_MAX = 1_000


class _Batch:
    """Keys that wait for the same request, and what became of them."""

    def __init__(self, before: Gate) -> None:
        self.before = before
        self.keys: list[str] = []
        self.over = Gate()
        self.failures: Mapping[str, Exception] = {}
        self.error: StoreError | None = None


class Batching(Around):
    """The first delete of a batch lets the others of its turn join, and then makes the request.

    One request at a time: those whose turn comes while it is under way are the next batch.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._gathering: _Batch | None = None
        self._last = Gate()  # What the newest batch opens.
        self._last.open()

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        if version:
            return (yield from self.store.delete(key, version=version))
        batch = self._gathering
        if batch is None:
            batch = self._gathering = _Batch(self._last)
            self._last = batch.over
            batch.keys.append(key)
            yield from self._lead(batch)
        else:
            batch.keys.append(key)
            if len(batch.keys) >= _BATCH_MAX:
                self._gathering = None
            yield batch.over
        if error := batch.failures.get(key) or batch.error:
            raise copy(error)  # Each has one of its own: its message may yet grow.
        return None

    def _lead(self, batch: _Batch) -> Flow[None]:
        batch.error = Broken("the request for many deletes broke off", store=self.name)
        try:
            yield Pause(0.0)
            yield batch.before  # What comes meanwhile goes along: each was looked at by itself.
            if self._gathering is batch:
                self._gathering = None
            batch.failures = yield from self.store.delete_many(batch.keys)
            batch.error = None
        except StoreError as error:
            batch.error = error
        finally:
            batch.over.open()

    def _around(self, verb: str, flow: Flow[T], call: partial[Flow[T]]) -> Flow[T]:
        del verb, call
        return flow
