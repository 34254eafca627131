"""Whatever may happen to a bucket and its backup: what all such machines share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from backup.vault import Vault
from servers import Endpoint

_SOAK = bool(os.environ.get("BUCKETLINE_SOAK"))
_ALL = bool(os.environ.get("BUCKETLINE_TEST_ALL"))
_STEPS = 12


class Life(RuleBasedStateMachine):
    """Has a vault of its own once it was opened."""

    server: Endpoint
    capsys: pytest.CaptureFixture[str]
    vault: Vault

    def open(self) -> None:
        folder = Path(tempfile.mkdtemp(dir=os.environ["BUCKETLINE_STATE"]))
        self.vault = Vault(folder, self.server, self.capsys)

    @property
    def is_open(self) -> bool:
        return hasattr(self, "vault")


def live(
    machine: type[Life], server: Endpoint, capsys: pytest.CaptureFixture[str], *, quick: int
) -> None:
    """As many lives of it as there is time for; `quick` in a short run."""
    here: Any = type("Here", (machine,), {"server": server, "capsys": capsys})
    run_state_machine_as_test(
        here,
        settings=settings(
            max_examples=300 if _SOAK else 15 if _ALL else quick,
            stateful_step_count=_STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            print_blob=True,
        ),
    )
