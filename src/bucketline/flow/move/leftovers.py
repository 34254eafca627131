"""What earlier runs left at the target in the making, and no one will go on with."""

from __future__ import annotations

from collections.abc import Iterable

from bucketline.errors import StoreError
from bucketline.flow.move.hints import Hints, Upload
from bucketline.flow.move.resume import let_go
from bucketline.stores.base import Flow, Store


def clear_uploads(left: Iterable[Upload], target: Store, hints: Hints) -> Flow[list[Upload]]:
    """Abandon them; those that could not be are returned, and stay remembered for the next run."""
    stuck: list[Upload] = []
    for upload in left:
        try:
            yield from let_go(upload, target, hints)
        except StoreError:
            stuck.append(upload)
    return stuck
