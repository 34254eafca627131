"""What messages say: keys to look at, however wrapped, and nothing that could be none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bucketline.flow.events import Hint, heard


def event(key: str, bucket: str = "b", source: str = "aws:s3", **more: Any) -> dict[str, Any]:
    return {
        "eventSource": source,
        "eventTime": "2026-03-01T00:00:00.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, **more}},
    }


def keys(told: object) -> list[str]:
    body = told if isinstance(told, str) else json.dumps(told)
    return [hint.key for hint in heard(body, "b").hints]


@pytest.mark.parametrize(
    ("coded", "source", "found"),
    [
        ("a%2Fb+c%2B%C3%BC", "aws:s3", ["a/b c+\u00fc"]),
        ("a+b", "ceph:s3", ["a b", "a+b"]),  # Ceph codes nothing, or does: both are looked at.
        ("a%20b", "minio:s3", ["a b", "a%20b"]),
        ("plain", "ceph:s3", ["plain"]),
        ("%ff", "aws:s3", []),
        ("\ud800", "aws:s3", []),
        ("", "aws:s3", []),
    ],
)
def test_keys_are_coded_as_in_a_form_or_not_at_all(
    coded: str, source: str, found: list[str]
) -> None:
    assert keys({"Records": [event(coded, source=source)]}) == found


def test_the_envelopes_of_sns_and_eventbridge_are_opened() -> None:
    plain = json.dumps({"Records": [event("a+b")]})
    bridged = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-03-01T00:00:00Z",
        "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b"}},
    }

    assert keys({"Type": "Notification", "Message": plain}) == ["a b"]
    assert heard(json.dumps(bridged), "b") == ((Hint("a+b", 1772323200.0),), True)


def test_it_is_ours_only_if_all_of_it_is() -> None:
    assert heard(json.dumps({"Records": [event("a")]}), "b").is_ours
    mixed = heard(json.dumps({"Records": [event("a"), event("c", bucket="other")]}), "b")
    assert ([hint.key for hint in mixed.hints], mixed.is_ours) == (["a"], False)
    assert heard('{"Event": "s3:TestEvent", "Bucket": "b"}', "b") == ((), True)
    assert heard("[" * 100_000, "b") == ((), False)
