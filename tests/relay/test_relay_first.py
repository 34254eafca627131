"""What is to go first goes first, on both hops; nothing else changes by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faults.proxy import FaultProxy
from faults.syncing import Bodies, manifest
from relay.jobs import RelayJob, adds_up, hop

_URGENT = ("folder/urgent/", "*.now")


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    keys = [f"folder/a/{number:02}" for number in range(12)]
    keys += [f"folder/urgent/{number}" for number in range(4)] + ["a.now", "z/z.now", "zz"]
    return {key: f"body of {key}".encode() for key in keys}


def is_urgent(key: str) -> bool:
    return key.startswith("folder/urgent/") or key.endswith(".now")


def in_order(proxy: FaultProxy, method: str, bodies: Bodies) -> list[bool]:
    return [is_urgent(seen.key) for seen in proxy.seen(method) if seen.key in bodies]


def test_what_is_urgent_goes_before_the_rest(fresh: RelayJob, bodies: Bodies) -> None:
    words = [word for glob in _URGENT for word in ("--first", glob)]
    fresh.said = ("--once", "--workers", "1", *words)

    done = fresh.run()

    assert done.code == 0, done.errors
    assert adds_up(done)
    assert [hop(done, name)["listed"] for name in ("fetch", "forward")] == [len(bodies)] * 2
    assert fresh.pair.held(fresh.bucket) == manifest(bodies)
    fetched = in_order(fresh.pair.source_proxy, "GET", bodies)
    assert fetched == sorted(fetched, reverse=True)
    sent = in_order(fresh.pair.target_proxy, "PUT", bodies)
    assert sent == sorted(sent, reverse=True)
    again = fresh.run()
    assert (hop(again, "fetch")["skipped"], hop(again, "fetch")["done"]) == (len(bodies), 0)


def test_a_source_that_is_one_object_is_taken_once(fresh: RelayJob, bodies: Bodies) -> None:
    fresh.said = ("--once", "--first", "zz")
    words = fresh.words_for()
    place = words.index("one:source-bucket/")
    words[place] += "zz"

    done = replace(fresh, said=()).finish(fresh.start(*words[words.index("relay") :]))

    assert done.code == 0, done.errors
    assert hop(done, "fetch")["listed"] == 1
    assert fresh.pair.keys(fresh.bucket) == {"zz"} <= set(bodies)


def test_a_pattern_that_makes_no_sense_is_refused(fresh: RelayJob) -> None:
    fresh.said = ("--once", "--first", "[a")

    done = fresh.run()

    assert done.code == 2
    assert "the pattern '[a' makes no sense" in done.errors
    assert fresh.pair.source_proxy.seen() == []
