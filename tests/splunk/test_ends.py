"""However many end at once, each is counted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from bucketline.engines.splunk.archive import Archived
from bucketline.engines.splunk.ends import Ends
from bucketline.engines.splunk.names import parse
from bucketline.engines.splunk.planning import Planned

THREADS, EACH = 8, 4000


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_none_is_lost() -> None:
    name = parse("db_2_1_0")
    assert name is not None
    one = Planned(Archived("web", name, "web/db_2_1_0/"), "web~0~")
    told: list[str] = []
    ends = Ends(cast("Any", None), lambda *said: told.append(said[2]))

    def end_many() -> None:
        for _ in range(EACH):
            ends.end(one, "failed")

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(end_many) for _ in range(THREADS)]:
            done.result()

    assert ends.tally.failed == len(told) == THREADS * EACH
