"""A backup by events, killed at any moment: what is not safe is still in the queue."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from backup.test_backup_events import Told
from desk import VARIABLES, start
from faults.proxy import FaultProxy
from faults.test_kill import Killer
from servers import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("surroundings")]
_ROUNDS = 25 if os.environ.get("BUCKETLINE_SOAK") else 2
_SEED = int(os.environ.get("BUCKETLINE_KILL_SEED", "1"))
_KEYS = 12


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(_ROUNDS))
def test_no_message_goes_before_what_it_names_is_safe(
    number: int, moto: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(f"events {_SEED} {number}")
    with FaultProxy(moto.url) as proxy:
        vault = Told(tmp_path, moto, capsys)
        vault.url = proxy.url
        vault.queue = vault.queue.replace(moto.url, proxy.url)
        vault.hear()
        for one in range(_KEYS):
            vault.put(f"k/{one:02}", b"%d" % one, Tagging="whose=mine")
        killer = Killer(dice)
        proxy.add(killer, nth=dice.randint(2, 60), times=1)
        words = ("backup", vault.s3, vault.there, *vault.words, "--endpoint-url", proxy.url)
        variables = {**os.environ, **VARIABLES, "BUCKETLINE_STATE": os.environ["BUCKETLINE_STATE"]}
        killer.process = start(variables, *words)  # type: ignore[assignment]
        assert killer.process is not None
        killer.process.communicate()
        proxy.heal()

        unsafe = vault.keys(vault.bucket) - vault.keys()
        assert sum(vault.waiting) >= len(unsafe)
        vault.hear()
        vault.hear("--reconcile-every", "1s")

    assert vault.bodies() == vault.bodies(vault.bucket)
    kept = vault.keys()
    assert {vault.tags(key)["whose"] for key in kept} == {"mine"}
    assert set(vault.rows()) == kept
