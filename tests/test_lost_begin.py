"""An upload that was begun, and nobody heard of it: a second one was begun in its stead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.flow.ledger import Ledger
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.copy import copy
from bucketline.flow.move.proof import MovePolicy
from bucketline.model import Copy, Entry, Fate
from bucketline.stores.memory import MemoryStore
from bucketline.stores.s3 import S3Store
from bucketline.stores.wrap import Retrying
from faults.kinds import lose_answer
from faults.proxy import FaultProxy
from servers import Endpoint

BODY = bytes(range(256)) * (6 * 4096)


@pytest.mark.parametrize("endpoints", [1, 2])
def test_it_is_found_and_removed(ministack: Endpoint, endpoints: int) -> None:
    clock = SystemClock()
    source = MemoryStore("source", {"k": BODY})
    with FaultProxy(ministack.url) as one, FaultProxy(ministack.url) as other:
        urls = (one.url, other.url)[:endpoints]
        remote = replace(ministack.remote(), endpoints=urls)
        store = S3Store(remote, f"lost-begin-{endpoints}", clock=clock)
        blocking(store.create_bucket())
        one.add(lose_answer, method="POST", path="uploads=", times=1)
        with Ledger.open(":memory:") as ledger:
            hints = LedgerHints(ledger.uploads, clock)
            policy = MovePolicy(part_size=5 << 20, hints=hints)
            action = Copy(Entry("k", len(BODY)), "k")
            for key in ("k", "other", "third"):  # One of them begins at the first endpoint.
                moved = replace(action, target_key=key)
                outcome = blocking(copy(moved, source, Retrying(store), policy))
                assert outcome.fate is Fate.DONE
        assert one.seen("POST", "uploads=")[0].fault == "lose_answer"
        assert blocking(store.list_uploads()) == []
