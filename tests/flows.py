"""Runs the flows of a store to their end in tests, and says what it lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bucketline.errors import StoreError
from bucketline.stores.base import Flow, Pause, Store, Work

HELLO_MD5 = "5d41402abc4b2a76b9719d911017c592"  # Of b"hello".


def drive(flow: Flow[Any], pause: Callable[[float], None] | None = None) -> Any:
    """The flow's answer; a pause must be expected."""
    try:
        effect = flow.send(None)
        while True:
            if isinstance(effect, Pause) and pause is not None:
                pause(effect.seconds)
                effect = flow.send(None)
                continue
            assert isinstance(effect, Work)
            try:
                value = effect.call()
            except StoreError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(value)
    except StopIteration as stop:
        return stop.value


def listed(store: Store, prefix: str = "", after: str = "") -> list[str]:
    return [entry.key for entry in entries(store, prefix, after)]


def entries(store: Store, prefix: str = "", after: str = "") -> Iterator[Any]:
    token = ""
    while True:
        page = drive(store.page(prefix, token=token, after=after))
        yield from page.entries
        token = page.token
        if not token:
            return


def put_in_parts(store: Store, key: str, bodies: list[bytes]) -> Any:
    upload = drive(store.begin(key, sum(map(len, bodies))))
    etags, offset = [], 0
    for number, body in enumerate(bodies, 1):
        etags.append(drive(store.part(key, upload, number, body, offset=offset)).etag)
        offset += len(body)
    return drive(store.finish(key, upload, etags))
