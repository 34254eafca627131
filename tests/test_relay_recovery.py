"""What is staged and not to be sent: by two ledgers, whatever the clock did meanwhile."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bucketline.engines.relay.recovery import Deliveries, delivered_before
from bucketline.flow.drive import blocking
from bucketline.flow.ledger.rows import IN_DOUBT, Known
from bucketline.stores.memory import MemoryStore
from bucketline.stores.spool import Origin
from spools import spool_on

EARLIER, STAGED, LATER = (Known(4, pin, "there") for pin in ("earlier", "staged", "later"))
HOUR = 3600.0


@pytest.mark.parametrize(
    ("delivered", "fetched", "recorded", "goes"),
    [
        (LATER, LATER, HOUR, True),  # It went past a volume that was away.
        (LATER, None, HOUR, True),  # The same, and a ledger was lost.
        (EARLIER, EARLIER, -HOUR, False),  # A crash came before it was recorded as fetched.
        (EARLIER, STAGED, HOUR, False),  # The clock was set back before it was fetched.
        (IN_DOUBT, LATER, HOUR, False),
        (None, STAGED, HOUR, False),
    ],
)
def test_only_what_a_later_delivery_went_past_goes(
    tmp_path: Path, delivered: Known | None, fetched: Known | None, recorded: float, goes: bool
) -> None:
    spool = spool_on(tmp_path, ["one"])
    spool.expect("key", Origin("s3:", "key", "staged"))
    blocking(spool.write("key", b"body"))
    spool.close()
    spool = spool_on(tmp_path, ["one"])
    deliveries = Deliveries(
        lambda _: {"key": delivered} if delivered else {},
        lambda _: {"key": fetched} if fetched else {},
        lambda _: {"key": time.time() + recorded},
    )

    gone = blocking(delivered_before(spool, MemoryStore(), deliveries))

    spool.close()
    assert [one.entry.key for one in gone] == (["key"] if goes else [])
