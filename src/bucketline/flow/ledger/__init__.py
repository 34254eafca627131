"""The durable memory of a job: what it was about to do, and what became of it."""

from __future__ import annotations

from bucketline.flow.ledger.ledger import Ledger, new_run_id
from bucketline.flow.ledger.place import job_path
from bucketline.flow.ledger.rows import IN_DOUBT, Known, RunHead

__all__ = ["IN_DOUBT", "Known", "Ledger", "RunHead", "job_path", "new_run_id"]
