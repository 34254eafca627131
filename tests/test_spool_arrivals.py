"""What is staged is handed out in order, each once, and only when it may go."""

from __future__ import annotations

from pathlib import Path

from bucketline.flow.drive import blocking as call
from bucketline.stores.spool import Origin
from spools import spool_on

BODY = b"0123456789" * 1000


def test_what_was_there_before_arrives_once_it_is_reviewed(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    call(spool.write("old", BODY))
    spool.close()
    again = spool_on(tmp_path, ("a",))
    arrivals = again.index.follow()
    assert arrivals.next(0.0) is None

    again.index.reviewed(again.index.all())

    assert arrivals.next(0.0).entry.key == "old"  # type: ignore[union-attr]
    assert arrivals.next(0.0) is None


def test_what_is_not_proven_to_be_the_source_s_goes_nowhere(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    arrivals = spool.index.follow()
    spool.expect("key", Origin("s3://b/", "key", "etag", is_unproven=True))
    call(spool.write("key", BODY))
    assert arrivals.next(0.0) is None
    spool.close()

    again = spool_on(tmp_path, ("a",))
    arrivals = again.index.follow()
    again.index.reviewed(again.index.all())
    assert arrivals.next(0.0) is None
    call(again.restate("key", Origin("s3://b/", "key", "etag")))

    assert arrivals.next(0.0).origin_pin == "etag"  # type: ignore[union-attr]


def test_arrivals_come_in_order_and_once(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    call(spool.write("z", BODY))
    arrivals = spool.index.follow()
    for key in ("a", "m"):
        call(spool.write(key, BODY))
    call(spool.delete("a"))

    found = [one.entry.key for _ in range(2) if (one := arrivals.next(0.0))]

    assert found == ["z", "m"]
    assert arrivals.next(0.0) is None
    call(spool.write("later", BODY))
    again = spool.index.follow()
    assert again.next(0.0).entry.key == "z"  # type: ignore[union-attr]
    call(spool.write("last", BODY))
    assert arrivals.next(0.0).entry.key == "later"  # type: ignore[union-attr]
    assert arrivals.next(0.0) is None


def test_what_is_urgent_comes_before_what_came_earlier(tmp_path: Path) -> None:
    spool = spool_on(tmp_path, ("a",))
    spool.index.is_urgent = lambda key: key.startswith("now/")
    call(spool.write("slow/1", BODY))
    arrivals = spool.index.follow()
    for key in ("slow/2", "now/1", "slow/3", "now/2"):
        call(spool.write(key, BODY))

    found = [one.entry.key for _ in range(5) if (one := arrivals.next(0.0))]

    assert found == ["now/1", "now/2", "slow/1", "slow/2", "slow/3"]
