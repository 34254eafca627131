"""Marks of what was deleted at the source: set, and looked for."""

from __future__ import annotations

from typing import Any

from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.crew import Eater, Handing, Here
from bucketline.compat.s3backuprestore.work import TAG
from bucketline.engines.backup.marks import deleted_at
from bucketline.errors import NotFound
from bucketline.stores.base import Flow, Store


class MpTagDeletedObjects(Handing):
    """A process that tags what the queue names in the backup; other tags stay."""

    kind = TAG

    def __init__(
        self,
        config: Config,
        tag_queue: Any,
        thread_count: int = 10,
        cw_metric_name: str = "TagDeletedObjectsErrors",
    ) -> None:
        super().__init__(config, tag_queue, thread_count)
        self.cw_metric_name = cw_metric_name


class MpCheckDeletedTag(Eater):
    """A process that passes on the keys of the backup (its source) that bear no such mark."""

    errors_name = "CheckDeletedTaggsErrors"  # As it was spelt.

    def __init__(
        self,
        config: Config,
        check_deleted_tag_queue: Any,
        restore_queue: Any,
        thread_count: int = 10,
        cw_metric_name: str = "CheckDeletedTagError",
    ) -> None:
        super().__init__(config, check_deleted_tag_queue, thread_count)
        self.cw_metric_name = cw_metric_name
        self._outbox = restore_queue

    def doer(self) -> Here:
        store = self.config.store(self.config.src_bucket)
        return Here(lambda key: is_unmarked(store, key))

    def passed(self, key: str) -> None:
        self._outbox.put(key)


def is_unmarked(store: Store, key: str) -> Flow[bool]:
    """Whether the object is there, and was not deleted at its source."""
    try:
        return not deleted_at((yield from store.tags(key)))
    except NotFound:
        return False  # It is gone since it was listed.
