"""bucket_structure.json: how buckets stand, in the shape in which old scripts kept it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bucketline.durable import whole_file
from bucketline.engines.splunk.names import is_index, parse
from bucketline.errors import UsageError

TO_DO, PENDING_UPLOAD, PENDING_EVICT, DONE = "todo", "pendingupload", "pendingevict", "done"
# Some versions of the old scripts left these behind; the facts tell the rest.
_MEANS = {"inprogress": TO_DO, "uploaded": PENDING_UPLOAD}
_KNOWN = (TO_DO, PENDING_UPLOAD, PENDING_EVICT, DONE)
Statuses = Mapping[str, Sequence[tuple[str, str]]]  # index -> (bucket, status)


def status_of(*, has_receipt: bool, is_local: bool) -> str:
    """By facts alone; local = with its journal, as evicted buckets leave small files behind."""
    if has_receipt:
        return PENDING_EVICT if is_local else DONE
    return PENDING_UPLOAD if is_local else TO_DO


def write(path: Path, statuses: Statuses) -> None:
    """Whole or not at all."""
    shape = {
        index: [{"bucket": bucket, "status": status} for bucket, status in buckets]
        for index, buckets in statuses.items()
    }
    with whole_file(path) as file:
        file.write(json.dumps(shape, indent=4).encode())


def read(path: Path) -> dict[str, list[tuple[str, str]]]:
    """What an old file says. Raises `UsageError`."""
    try:
        data = json.loads(path.read_bytes())
        return {
            str(index): [(str(one["bucket"]), _status(str(one["status"]))) for one in buckets]
            for index, buckets in data.items()
            if _checked(str(index), buckets)
        }
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path}: is no bucket_structure.json: {error!r}") from None


def _status(text: str) -> str:
    status = _MEANS.get(text, text)
    if status not in _KNOWN:
        raise ValueError(f"no status {text!r}; there are {', '.join(_KNOWN)}")
    return status


def _checked(index: str, buckets: object) -> bool:
    if not is_index(index) or not isinstance(buckets, list):
        raise ValueError(f"no index: {index!r}")
    for one in buckets:
        if parse(str(one["bucket"])) is None:
            raise ValueError(f"no bucket: {one['bucket']!r}")
    return True
