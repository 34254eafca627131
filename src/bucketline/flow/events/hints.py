"""What a message says of a bucket: keys to look at. Pure; nothing else of it is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

_TEST = "s3:TestEvent"
_AMAZON = "aws:s3"  # Whose keys are always coded as in a form; others code them, or do not.
_KEY_MAX = 1_024  # Bytes.


class Hint(NamedTuple):
    """Something happened to this key."""

    key: str
    time: float = 0.0  # When; 0 = untold.


class Heard(NamedTuple):
    """A message, read."""

    hints: tuple[Hint, ...] = ()
    is_ours: bool = False  # All of it is about our bucket.


def heard(body: str, bucket: str) -> Heard:
    """What it says; one that makes no sense, or is about something else, is not ours.

    Takes what S3, Ceph and others send by themselves, through SNS, or through EventBridge.
    """
    try:
        told = _opened(json.loads(body))
        if told.get("Event") == _TEST:
            return Heard(is_ours=told.get("Bucket") == bucket)
        events = list(_events(told))
        ours = [hint for name, hints in events if name == bucket for hint in hints]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Heard()
    return Heard(tuple(ours), bool(events) and all(name == bucket for name, _ in events))


def _opened(told: dict[str, Any]) -> dict[str, Any]:
    """Out of the envelope of SNS."""
    if told.get("Type") != "Notification":
        return told
    inner: dict[str, Any] = json.loads(told["Message"])
    return inner


def _events(told: dict[str, Any]) -> Iterator[tuple[str, list[Hint]]]:
    """The bucket of each, and what it hints at."""
    if told.get("source") == "aws.s3":  # EventBridge, which codes no key.
        detail = told["detail"]
        yield detail["bucket"]["name"], _hints([detail["object"]["key"]], told.get("time"))
        return
    for record in told["Records"]:
        s3, coded = record["s3"], record["s3"]["object"]["key"]
        keys = [unquote_plus(coded, errors="strict")]
        if record.get("eventSource") != _AMAZON and coded not in keys:
            keys.append(coded)
        yield s3["bucket"]["name"], _hints(keys, record.get("eventTime"))


def _hints(keys: list[str], said: object) -> list[Hint]:
    try:
        time = datetime.fromisoformat(str(said)).timestamp()
    except ValueError:
        time = 0.0
    # A lone surrogate raises: it is no text, and no key.
    return [Hint(key, time) for key in keys if 0 < len(key.encode()) <= _KEY_MAX]
