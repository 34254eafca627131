"""A purge, killed at any moment: it ends well when it is started again, and can be taken back."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bucketline.clock import SystemClock
from bucketline.engines.backup import Catalogue
from bucketline.engines.backup.rows import Row
from bucketline.flow.drive import open_drive
from bucketline.stores.s3 import S3Store
from faults.syncing import SOURCE, Job, Pair, client_of, pair
from faults.test_kill import Killer

pytestmark = pytest.mark.slow
_ROUNDS = 17 if os.environ.get("BUCKETLINE_SOAK") else 1
_KILLS = 3  # A round, of each deed.
_BODIES = {f"{number:02}": b"%d" % number for number in range(60)}
_GONE = set(list(_BODIES)[::2])
_EVERY, _ONE_EACH = Counter(_BODIES.keys()), Counter(_GONE)
_HIDE = ("purge", "two:kept/", "--older-than", "0")
_UNDO = ("purge", "two:kept/", "--undo")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path / "servers", source="ministack", target="ministack") as both:
        both.fill(_BODIES)
        both.make_target("kept")
        client_of(both.target).put_bucket_versioning(
            Bucket="kept", VersioningConfiguration={"Status": "Enabled"}
        )
        yield both


def told(both: Pair) -> tuple[Counter[str], Counter[str]]:
    """How many versions, and how many markers, each key of the backup has."""
    versions: Counter[str] = Counter()
    markers: Counter[str] = Counter()
    for page in (
        client_of(both.target).get_paginator("list_object_versions").paginate(Bucket="kept")
    ):
        versions.update(one["Key"] for one in page.get("Versions", ()) if one["Key"] in _BODIES)
        markers.update(one["Key"] for one in page.get("DeleteMarkers", ()) if one["Key"] in _BODIES)
    return versions, markers


def killed(job: Job, dice: random.Random, put: str = "") -> None:
    """At some request to the backup, or at the first PUT to such a path; or it ends before."""
    killer, proxy = Killer(dice), job.pair.target_proxy
    if put:
        proxy.add(killer, method="PUT", path=put, nth=1, times=1)
    else:
        proxy.add(killer, nth=dice.randint(2, 120), times=1)
    killer.process = job.start()
    job.finish(killer.process)
    job.pair.target_proxy.heal()


def approved(job: Job, words: tuple[str, ...]) -> Job:
    """The same, with the hash that it asks for."""
    shown: dict[str, Any] = replace(job, instead=words).run().records[-1]
    more = ("--approve", shown["hash"]) if shown["hash"] else ()
    return replace(job, instead=(*words, *more))


def backing() -> tuple[str, ...]:
    return ("backup", f"one:{SOURCE}/", "two:kept/", "--max-vanished", "100%")


def rows_of(both: Pair) -> dict[str, Row]:
    with closing(open_drive()) as drive:
        store = S3Store(both.target.remote(), "kept", clock=SystemClock())
        return {row.key: replace(row, run="") for row in Catalogue(store, "", drive).rows()}


@pytest.fixture
def job(servers: Pair, tmp_path: Path) -> Job:
    """With a backup of which half is called deleted."""
    job = Job(servers, tmp_path / "state", "kept")
    assert replace(job, instead=backing()).run().code == 0
    for key in _GONE:
        client_of(servers.source).delete_object(Bucket=SOURCE, Key=key)
    assert replace(job, instead=backing()).run().code == 0
    return job


def test_killed_before_the_catalogue_knows_it_can_be_taken_back(job: Job) -> None:
    hidden = approved(job, _HIDE)
    killed(hidden, random.Random(1), "/[.]bucketline/")
    assert told(job.pair) == (_EVERY, _ONE_EACH)

    done = replace(job, instead=_UNDO).run()

    assert (done.code, done.summary["done"]) == (0, len(_GONE))
    assert told(job.pair) == (_EVERY, Counter())


@pytest.mark.parametrize("put", ["", "/[.]bucketline/"], ids=["hiding", "noting"])
def test_the_next_backup_sees_what_one_that_was_killed_has_hidden(put: str, job: Job) -> None:
    before = rows_of(job.pair)
    killed(approved(job, _HIDE), random.Random(3), put)
    hidden = set(told(job.pair)[1])
    assert hidden

    done = replace(job, instead=backing()).run()

    assert (done.code, done.summary["done"], "somebody else" in done.errors) == (0, 0, False)
    seen = rows_of(job.pair)
    assert {key for key, row in seen.items() if row.purged} == hidden
    assert {key: replace(row, purged="") for key, row in seen.items()} == before
    assert replace(job, instead=_UNDO).run().summary["done"] == len(hidden)
    assert (told(job.pair), rows_of(job.pair)) == ((_EVERY, Counter()), before)


def test_the_next_backup_sees_what_one_that_was_killed_has_brought_back(job: Job) -> None:
    assert approved(job, _HIDE).run().code == 0
    killed(replace(job, instead=_UNDO), random.Random(3))

    assert replace(job, instead=backing()).run().code == 0

    seen = {key for key, row in rows_of(job.pair).items() if row.purged}
    assert seen == set(told(job.pair)[1])


def test_what_came_back_since_is_not_called_purged_by_old_notes(job: Job) -> None:
    killed(approved(job, _HIDE), random.Random(1), "/[.]bucketline/")
    client_of(job.pair.source).put_object(Bucket=SOURCE, Key="00", Body=b"again")
    assert replace(job, instead=backing()).run().code == 0

    assert replace(job, instead=_UNDO).run().code == 0

    row = rows_of(job.pair)["00"]
    assert (row.size, row.deleted, row.purged) == (5, "", "")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_killed_it_goes_on(number: int, job: Job) -> None:
    dice = random.Random(f"purge {number}")
    for _ in range(_KILLS):
        killed(approved(job, _HIDE), dice)
    assert approved(job, _HIDE).run().code == 0
    assert told(job.pair) == (_EVERY, _ONE_EACH)

    back = replace(job, instead=_UNDO)
    for _ in range(_KILLS):
        killed(back, dice)
    assert back.run().code == 0
    assert told(job.pair) == (_EVERY, Counter())

    assert approved(job, _HIDE).run().code == 0
    destroy = ("purge", "two:kept/", "--for-good", "--undo-window", "0")
    for _ in range(_KILLS):
        killed(approved(job, destroy), dice)
    assert approved(job, destroy).run().code == 0
    assert told(job.pair) == (_EVERY - _ONE_EACH, Counter())
