"""Power cuts again, with the ledger as it opens itself: its own pragmas are what must hold."""

from __future__ import annotations

import random
from pathlib import Path

from bucketline.flow.ledger import Ledger
from faults.test_ledger_images import violations, written


def test_nothing_acknowledged_is_lost_as_the_ledger_opens_itself(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "any.ledger") as ledger:
        own = str(ledger._db.pragma("synchronous"))
    told = written(tmp_path, own)
    chance = random.Random(1)
    for number in range(60):
        cut = chance.randrange(len(told.journal))
        assert violations(told, cut, number, tmp_path / f"image-{number}") == []
