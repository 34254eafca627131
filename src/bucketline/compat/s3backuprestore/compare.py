"""Passes on the keys whose backup is old, by the old rule."""

from __future__ import annotations

from typing import Any

from bucketline.clock import SystemClock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.crew import Eater, Here, one_of
from bucketline.engines.backup.marks import deleted_at
from bucketline.errors import NotFound
from bucketline.stores.base import Flow, Store

_HOUR = 3600.0


class MpCompare(Eater):
    """A process that passes on what differs in size, changed in the last so many hours, or is
    called deleted in the backup though it is back.
    """

    errors_name = "CompareObjectsErrors"

    def __init__(
        self,
        config: Config,
        compare_queue: Any,
        copy_queue: Any = None,
        thread_count: int = 5,
        cw_metric_name: str = "ObjectsToCompare",
        *,
        backup_queue: Any = None,
    ) -> None:
        super().__init__(config, compare_queue, thread_count)
        self.cw_metric_name = cw_metric_name
        self._outbox = one_of(copy_queue=copy_queue, backup_queue=backup_queue)

    def doer(self) -> Here:
        config = self.config
        source, target = config.store(config.src_bucket), config.store(config.dst_bucket)
        since = SystemClock().now() - config.last_modified * _HOUR
        return Here(lambda key: is_old(source, target, key, since))

    def passed(self, key: str) -> None:
        self._outbox.put(key)


def is_old(source: Store, target: Store, key: str, since: float) -> Flow[bool]:
    """Whether the copy of `key` must be made anew."""
    try:
        mine = (yield from source.stat(key)).entry
    except NotFound:
        return False  # It is gone since it was listed.
    try:
        there = yield from target.stat(key)
    except NotFound:
        return True
    if mine.size != there.entry.size or mine.modified > since:
        return True
    return bool(there.tag_count) and bool(deleted_at((yield from target.tags(key))))
