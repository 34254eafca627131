"""An empty disk for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import loops
from volumes.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with loops.loop(tmp_path / "image", 80) as device:
        yield Bench(tmp_path, device)


@pytest.fixture
def large_bench(tmp_path: Path) -> Iterator[Bench]:
    """Of a size that XFS takes."""
    with loops.loop(tmp_path / "image", 400) as device:
        yield Bench(tmp_path, device)
