"""A bucket's events as JSON lines, without Splunk."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from bucketline.durable import sync_folder
from bucketline.engines.splunk.archive import Archived
from bucketline.engines.splunk.codecs import Damaged
from bucketline.engines.splunk.fetch import fetch, joined
from bucketline.engines.splunk.journal import Event, events
from bucketline.engines.splunk.staging import occupied
from bucketline.errors import DiskError
from bucketline.flow.drive import Drive
from bucketline.stores.base import Store


def target_of(folder: Path, bucket: Archived) -> Path:
    """Where its events go."""
    return folder / bucket.index / f"{bucket.name.text}.jsonl"


def export(store: Store, drive: Drive, bucket: Archived, folder: Path) -> int:
    """How many there are. The file is there whole, or not at all."""
    target = target_of(folder, bucket)
    if bucket.flaw:
        raise Damaged(bucket.flaw)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{bucket.name.text}.fetched")
        with occupied(scratch, keeps=False):
            came = joined(bucket, fetch(store, drive, bucket, scratch))
            unfinished = scratch / "events.jsonl"
            try:
                count = _written(scratch / came.journal, bucket, unfinished)
            finally:
                came.check()
            unfinished.rename(target)
            sync_folder(target.parent)
    except OSError as error:
        raise DiskError(f"{target}: cannot be written ({error.strerror})") from None
    return count


def _written(journal: Path, bucket: Archived, path: Path) -> int:
    count = 0
    with path.open("w") as file:
        for event in events(journal):
            file.write(_line(event, bucket.index) + "\n")
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return count


def _line(event: Event, index: str) -> str:
    shown: dict[str, object] = {
        "index": index,
        "index_time": event.time,
        "host": event.host,
        "source": event.source,
        "sourcetype": event.sourcetype,
    }
    try:
        shown["raw"] = event.raw.decode()
    except UnicodeDecodeError:  # No text: kept byte by byte all the same.
        shown["raw_base64"] = base64.b64encode(event.raw).decode()
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
