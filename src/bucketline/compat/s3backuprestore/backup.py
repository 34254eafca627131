"""Copies keys from the source bucket to the backup."""

from __future__ import annotations

from typing import Any

from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.crew import Handing, one_of
from bucketline.compat.s3backuprestore.work import BACKUP


class MpBackup(Handing):
    """A process that copies what the queue names."""

    kind = BACKUP

    def __init__(
        self,
        config: Config,
        copy_queue: Any = None,
        thread_count: int = 10,
        cw_metric_name: str = "ObjectsToCopy",
        *,
        backup_queue: Any = None,
    ) -> None:
        queue = one_of(copy_queue=copy_queue, backup_queue=backup_queue)
        super().__init__(config, queue, thread_count)
        self.cw_metric_name = cw_metric_name
