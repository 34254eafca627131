"""Every row of the fault matrix names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from faults.claims import CLAIMS

_TESTS = Path(__file__).parents[1]


def test_every_row_has_a_claim() -> None:
    assert list(CLAIMS) == [f"F{number}" for number in range(1, 17)]


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """All that there are, by name."""
    texts = (path.read_text() for path in _TESTS.rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)}


@pytest.mark.parametrize("row", CLAIMS)
def test_a_claim_names_tests_that_are_there(row: str, tests: set[str]) -> None:
    _, named = CLAIMS[row]
    assert named
    assert set(named) <= tests
