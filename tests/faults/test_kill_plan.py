"""A plan whose process is killed goes on: nothing is refused as stale, nothing is sent twice."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from faults.syncing import Job, client_of, manifest, mixed_objects, pair
from faults.test_kill import killed, sent_keys

_ALL = bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_KILLS = 8 if _ALL else 3
_OBJECTS = 500 if _ALL else 100
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(_KILLS))
def test_a_killed_apply_goes_on_where_it_was(number: int, tmp_path: Path) -> None:
    dice = random.Random(f"plan {_SEED} {number}")
    bodies = mixed_objects(_OBJECTS, _SEED, multipart=1)
    with pair(tmp_path / "servers") as both:
        both.fill(bodies)
        both.make_target("target-plan")
        extra = client_of(both.target)
        for key in ("extra/1", "extra/2"):
            extra.put_object(Bucket="target-plan", Key=key, Body=b"x")
        file = str(tmp_path / "it.plan")
        job = Job(both, tmp_path / "job", "target-plan", words=("--delete",))
        save = ("plan", "save", f"one:{job.source}/", "two:target-plan/", "--delete", "-o", file)
        assert replace(job, instead=save).run().code == 0
        job = replace(job, instead=("plan", "apply", file))
        # Each action is looked at before the first is done; the first kills come in the deeds.
        looks = 2 * len(bodies)
        wanted = manifest(bodies)
        for nth in (looks + dice.randint(1, 2 * _OBJECTS), looks + dice.randint(1, _OBJECTS)):
            killed_once(job, dice, nth)
        arrived = {key for key, held in both.held("target-plan").items() if wanted.get(key) == held}
        both.target_proxy.forget()

        done = job.run()

        assert done.code == 0, done.errors
        assert done.summary["listed"] == done.summary["skipped"] + done.summary["done"]
        assert done.summary["listed"] == len(bodies) + 2
        assert sent_keys(both.target_proxy) & arrived == set()
        assert both.held("target-plan") == wanted


def killed_once(job: Job, dice: random.Random, nth: int) -> None:
    proven = job.proven()
    job.pair.target_proxy.forget()
    killed(job, dice, nth)
    assert sent_keys(job.pair.target_proxy) & proven.keys() == set()
    assert job.proven().keys() - {"extra/1", "extra/2"} <= job.pair.keys(job.bucket)
