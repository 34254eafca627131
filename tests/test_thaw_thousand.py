"""A thousand archived objects in every state: all readable in the end, and all copied."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from archives import LOOKS, Archive, archive_server
from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from bucketline.stores.base import Flow, Together
from bucketline.stores.s3 import S3Store
from desk import Desk
from faults.proxy import FaultProxy

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("surroundings"), pytest.mark.timeout(300)]

# How many of each, by what becomes of them.
KINDS = {
    "frozen": ("GLACIER", 300),
    "deep": ("DEEP_ARCHIVE", 200),
    "others": ("GLACIER", 150),  # Somebody else has asked; a look does not show it yet.
    "expired": ("GLACIER", 150),  # Thawed once, and over.
    "tiered": ("INTELLIGENT_TIERING", 100),
    "near": ("INTELLIGENT_TIERING", 50),  # In no archive.
    "instant": ("GLACIER_IR", 50),
}
KEYS = {kind: [f"{kind}/{n:03}" for n in range(many)] for kind, (_, many) in KINDS.items()}
RATE = 200


def written(store: S3Store) -> Flow[None]:
    flows = [
        store.write(key, key.encode(), attributes=Attributes(tier=KINDS[kind][0]))
        for kind, keys in KEYS.items()
        for key in keys
    ]
    yield Together(flows, width=16)


def test_a_thousand_objects_in_every_state_are_thawed_and_copied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with archive_server(tmp_path / "moto") as glacier, FaultProxy(glacier.url) as proxy:
        desk = Desk(tmp_path, glacier, capsys)
        desk.url = proxy.url
        blocking(written(desk.store))
        archive = Archive(proxy)
        archive.by_others |= {*KEYS["others"]}
        archive.expired |= {*KEYS["expired"]}
        archive.tiered |= {*KEYS["tiered"]}

        passes = 0
        while thaw(desk) == 4:
            passes += 1
            assert passes <= LOOKS, "it asks and asks"

        assert passes == LOOKS  # The one that asks, and those that find it under way.
        assert archive.refused == len(KEYS["others"])
        times = Counter(key for _, key in archive.asked)
        wanted = [
            key for kind in ("frozen", "deep", "others", "expired", "tiered") for key in KEYS[kind]
        ]
        assert times == Counter(wanted)  # Each once.
        assert archive.busiest_second() <= 2 * RATE

        # Some freeze again between the look and the copy.
        late = KEYS["frozen"][:40]
        archive.expired |= {*late}
        target = S3Store(glacier.remote(), "back", clock=SystemClock())
        blocking(target.create_bucket())
        told = desk.run("sync", desk.s3, "s3://back/", code=4)
        assert {one["key"] for one in told if one.get("fate") == "waiting"} == {*late}
        while thaw(desk) == 4:
            passes += 1
            assert passes <= 2 * LOOKS, "it asks and asks"
        summary = desk.run("sync", desk.s3, "s3://back/")[-1]

        assert (summary["done"], summary["skipped"]) == (40, 960)
        assert Counter(key for _, key in archive.asked) == times + Counter(late)


def thaw(desk: Desk) -> int:
    """One run; its exit code. Its counters add up."""
    code, lines = desk.ended("thaw", desk.s3, "--rate", str(RATE))
    names = ("skipped", "done", "failed", "waiting")
    assert lines[-1]["listed"] == sum(lines[-1][name] for name in names) == 1_000
    assert lines[-1]["failed"] == 0
    return code
