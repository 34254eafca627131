"""What counts errors is told as what came since, and a run that was ended is one."""

from __future__ import annotations

from dataclasses import replace

from bucketline.flow.metrics.sample import Sample, old_names
from bucketline.model import Tally


def test_a_run_that_was_ended_is_an_error_though_no_object_failed() -> None:
    """A brake, a listing that cannot be had: all that is left to do is 0 then, as at a good end."""
    ended = Sample("backup", "failed", Tally(skipped=100), found=100)
    failed = Sample("backup", "failed", Tally(skipped=99, failed=1), found=100)

    assert dict(old_names(ended, Sample("backup")))["BackupObjectsErrors"] == 1
    assert dict(old_names(failed, replace(failed, state="running")))["BackupObjectsErrors"] == 0


def test_errors_of_an_engine_are_told_as_what_came_since() -> None:
    before = Sample("backup", more={"TagDeletedObjectsErrors": 2})
    now = Sample("backup", more={"TagDeletedObjectsErrors": 5})

    assert dict(old_names(now, before))["TagDeletedObjectsErrors"] == 3
