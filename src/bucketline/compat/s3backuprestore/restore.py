"""Copies keys out of a backup, and waits for those that an archive holds."""

from __future__ import annotations

from typing import Any

from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.crew import Handing
from bucketline.compat.s3backuprestore.work import RESTORE


class MpRestore(Handing):
    """A process that copies what the queue names; archived ones are asked for, and waited for."""

    kind = RESTORE
    waits = True

    def __init__(
        self,
        config: Config,
        restore_queue: Any,
        thread_count: int = 10,
        cw_metric_name: str = "ObjectsToRestore",
    ) -> None:
        super().__init__(config, restore_queue, thread_count)
        self.cw_metric_name = cw_metric_name
