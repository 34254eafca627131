"""The table of servers says what is so: each gap names a test, and says why."""

from __future__ import annotations

import importlib

import pytest

from contracts.hostile import HOSTILE
from servers import SERVERS

SUITES = [
    "test_store",
    "test_store_keys",
    "test_store_listing",
    "test_store_parts",
    "test_store_refusals",
    "test_store_retouch",
    "test_store_s3",
]


@pytest.mark.parametrize("name", SERVERS)
def test_every_gap_names_a_test_and_a_reason(name: str) -> None:
    tests = {
        test for suite in SUITES for test in dir(importlib.import_module(f"contracts.{suite}"))
    }

    for gap, reason in SERVERS[name].gaps.items():
        test, _, case = gap.removesuffix("]").partition("[")
        assert test in tests, gap
        assert reason, gap
        if test.startswith("test_a_hostile_key"):
            assert case in HOSTILE, gap


def test_hostile_keys_are_legal() -> None:
    for twins in HOSTILE.values():
        for key in twins:
            assert 1 <= len(key.encode()) <= 1024
            assert "\0" not in key
