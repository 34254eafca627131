"""A roll-back in place, and a purge of all versions, killed at any moment: they end as if not."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backup.test_purge_kill import approved
from bucketline.clock import SystemClock
from bucketline.engines.backup import Catalogue
from bucketline.flow.drive import open_drive
from bucketline.stores.s3 import S3Store
from faults.proxy import FaultProxy
from faults.syncing import SOURCE, Job, Pair, client_of, pair
from faults.test_kill import Killer
from servers import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
_ROUNDS = 10 if os.environ.get("BUCKETLINE_SOAK") else 1
_KILLS = 4 if _ROUNDS > 1 else 2
_BODIES = {f"{number:02}": b"%d" % number for number in range(40)}
_ALL = ("--max-vanished", "100%", "--max-replaced", "100%")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    """Both buckets keep versions."""
    with pair(tmp_path / "servers", source="ministack", target="ministack") as both:
        both.fill(_BODIES)
        both.make_target("kept")
        for endpoint, bucket in ((both.source, SOURCE), (both.target, "kept")):
            client_of(endpoint).put_bucket_versioning(
                Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        yield both


@pytest.fixture
def job(servers: Pair, tmp_path: Path) -> Job:
    return Job(servers, tmp_path / "state", "kept")


def back_up(job: Job, *words: str) -> None:
    said = ("backup", f"one:{SOURCE}/", "two:kept/", *_ALL, *words)
    done = replace(job, instead=said).run()
    assert done.code == 0, done.errors


def killed(job: Job, dice: random.Random, proxy: FaultProxy, most: int) -> int:
    """At some request; or it ends before. How often it was killed."""
    killer = Killer(dice)
    rule = proxy.add(killer, nth=dice.randint(1, most), times=1)
    killer.process = job.start()
    job.finish(killer.process)
    proxy.heal()
    return rule.struck


def versions_of(endpoint: Endpoint, bucket: str) -> Counter[str]:
    """How many each key has, markers too; none of what is reserved."""
    found: Counter[str] = Counter()
    pages = client_of(endpoint).get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        for kind in ("Versions", "DeleteMarkers"):
            keys = (one["Key"] for one in page.get(kind, ()))
            found.update(key for key in keys if not key.startswith(".bucketline/"))
    return found


def bodies_of(endpoint: Endpoint, bucket: str) -> dict[str, bytes]:
    client = client_of(endpoint)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@pytest.mark.parametrize("number", range(_ROUNDS))
def test_a_roll_back_goes_on(number: int, job: Job) -> None:
    dice, source = random.Random(f"back {number}"), job.pair.source
    back_up(job)
    with closing(open_drive()) as drive:
        store = S3Store(job.pair.target.remote(), "kept", clock=SystemClock())
        at = datetime.fromtimestamp(Catalogue(store, "", drive).manifest.time + 0.01, UTC)
    changed, gone, new = list(_BODIES)[:15], list(_BODIES)[15:25], ["new/1", "new/2", "new/3"]
    for key in (*changed, *new):
        client_of(source).put_object(Bucket=SOURCE, Key=key, Body=b"scrambled")
    for key in gone:
        client_of(source).delete_object(Bucket=SOURCE, Key=key)
    back_up(job)
    before = versions_of(source, SOURCE)
    words = ("restore", "two:kept/", f"one:{SOURCE}/", "--at", at.isoformat())
    brakes = ("--max-replaced", "100%", "--max-hidden", "100%")
    back = replace(job, instead=(*words, "--in-place", "hide", *brakes))

    # What is left to do after a first kill may be less than what the next one waits for.
    assert killed(back, dice, job.pair.source_proxy, 20)
    for _ in range(_KILLS - 1):
        killed(back, dice, job.pair.source_proxy, 60)
    done = back.run()

    assert (done.code, done.summary["failed"]) == (0, 0), done.errors
    assert bodies_of(source, SOURCE) == _BODIES
    written = versions_of(source, SOURCE) - before
    assert written.keys() == {*changed, *gone, *new}
    # What was under way when it died may be there twice, and nothing else.
    assert written.total() <= len(written) + _KILLS * 32
    assert back.run().summary["done"] == 0


@pytest.mark.parametrize("number", range(_ROUNDS))
def test_a_purge_of_versions_goes_on(number: int, job: Job) -> None:
    dice, target = random.Random(f"versions {number}"), job.pair.target
    for body in (b"two", b"three"):
        for key in _BODIES:
            client_of(job.pair.source).put_object(Bucket=SOURCE, Key=key, Body=body)
    gone = set(list(_BODIES)[::2])
    for key in gone:
        client_of(job.pair.source).delete_object(Bucket=SOURCE, Key=key)
    back_up(job, "--versions")
    before = versions_of(target, "kept")
    assert set(before) == set(_BODIES)
    hide = ("purge", "two:kept/", "--versions", "--older-than", "0")
    destroy = ("purge", "two:kept/", "--versions", "--for-good", "--undo-window", "0")
    back = replace(job, instead=("purge", "two:kept/", "--versions", "--undo"))

    for words in (hide, destroy):
        assert killed(approved(job, words), dice, job.pair.target_proxy, 8)
        for _ in range(_KILLS - 1):
            killed(approved(job, words), dice, job.pair.target_proxy, 120)
        if words == hide:
            assert replace(back).run().code == 0
            assert versions_of(target, "kept") == before
            assert approved(job, hide).run().code == 0
    done = approved(job, destroy).run()

    assert done.code == 0, done.errors
    assert versions_of(target, "kept") == Counter(
        {key: count for key, count in before.items() if key not in gone}
    )
