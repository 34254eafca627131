"""Many questions at once: what fails costs nobody else his answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from bucketline.errors import BucketlineError
from bucketline.flow.drive import Drive
from bucketline.stores.base import Flow, together

_WIDTH = 8
T = TypeVar("T")


def each(drive: Drive, flows: Iterable[Flow[T]]) -> list[T | BucketlineError]:
    """The answers in their order, or why there is none."""
    return drive.call(together([_kept(flow) for flow in flows], _WIDTH))


def _kept(flow: Flow[T]) -> Flow[T | BucketlineError]:
    try:
        return (yield from flow)
    except BucketlineError as error:
        return error
