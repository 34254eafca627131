"""A drill that was killed: the next one removes what it has left, and touches nothing else."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from faults.syncing import SOURCE, Job, client_of, mixed_objects, pair
from faults.test_kill import Killer

pytestmark = pytest.mark.slow
_ROUNDS = 20 if os.environ.get("BUCKETLINE_SOAK") else 2
_OBJECTS = 40


@pytest.mark.timeout(900)
def test_the_next_one_removes_what_is_left(tmp_path: Path) -> None:
    bodies = mixed_objects(_OBJECTS, 7, multipart=1)
    dice = random.Random("drill")
    with pair(tmp_path / "servers", source="moto", target="moto") as both:
        both.fill(bodies)
        both.make_target("kept")
        both.make_target("scratch")
        job = Job(both, tmp_path / "state", "kept")
        assert replace(job, instead=("backup", f"one:{SOURCE}/", "two:kept/")).run().code == 0
        others = {"drill-20200101-0000-abcdef/k", "drill-mine", "k", "a/k"}
        for key in others:
            client_of(both.target).put_object(Bucket="scratch", Key=key, Body=b"mine")
        kept = both.held("kept")
        words = ("drill", "two:kept/", "--sample", "all", "--scratch", "two:scratch/")
        drill = replace(job, instead=words)

        for _ in range(_ROUNDS):
            killer = Killer(dice)
            both.target_proxy.add(killer, method="PUT", nth=dice.randint(2, _OBJECTS), times=1)
            killer.process = drill.start()
            drill.finish(killer.process)
            both.target_proxy.heal()
        assert both.keys("scratch") - others

        done = drill.run()

        assert (done.code, done.summary["done"]) == (0, _OBJECTS), done.errors
        assert both.keys("scratch") == others
        assert both.held("kept") == kept
        uploads = client_of(both.target).list_multipart_uploads(Bucket="scratch")
        assert not uploads.get("Uploads")
