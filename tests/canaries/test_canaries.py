"""Known-bad code must be caught: each patch here is a bug, and names the tests that must fail.

A surviving canary means that the tests lost their teeth; one that does not apply must be made anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from canaries.patching import Canary, apply, read

ROOT = Path(__file__).parents[2]
CANARIES = [read(patch) for patch in sorted(Path(__file__).parent.glob("*.patch"))]
_LIMIT_SECONDS = 300
_SEEDS = 100  # Of the simulation, until one sees the bug.
_GREEN_SEEDS = 10  # The simulation's own tests see these, and hundreds more, over good code.
_FAILED = 1  # What pytest says when tests failed, and not: interrupted, misused, nothing collected.


def outcome(tree: Path, *words: str, seeds: int = _SEEDS) -> tuple[int, str]:
    """How pytest ends over the code in `tree`, and what it said."""
    pytest_quietly = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    return _python(tree, *pytest_quietly, *words, seeds=seeds)


def _python(tree: Path, *words: str, seeds: int = _SEEDS) -> tuple[int, str]:
    """Its servers are those of the session that started it (conftest.py)."""
    variables = {"PYTHONPATH": f"{tree}/src:{ROOT}/tests", "BUCKETLINE_SEEDS": str(seeds)}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The product's code, to be spoilt; what was compiled of it stays good for what is not."""
    shutil.copytree(ROOT / "src", tmp_path / "src")
    return tmp_path


def test_there_are_enough_of_them() -> None:
    assert len(CANARIES) >= 12


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_the_bug_can_still_be_made(canary: Canary, tree: Path) -> None:
    """As a bug and not as a wreck: code that names what is not there fails whatever is tested."""
    apply(canary, tree)
    paths = sorted({hunk.path for hunk in canary.hunks})
    ruff = ["-m", "ruff", "check", "--isolated", "--no-cache", "--select", "F821,F822,F823"]
    done = subprocess.run(
        [sys.executable, *ruff, *paths], cwd=tree, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_spoilt_code_is_what_is_tested(tree: Path) -> None:
    code, said = _python(tree, "-c", "import bucketline.flow.run.loop as run; print(run.__file__)")
    assert (code, said.strip()) == (0, f"{tree}/src/bucketline/flow/run/loop.py")


@pytest.mark.slow
@pytest.mark.timeout(2 * _LIMIT_SECONDS)
@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_the_bug_is_caught(canary: Canary, tree: Path) -> None:
    apply(canary, tree)
    code, said = outcome(tree, "-p", "canaries.until_seen", *canary.tests)
    assert code == _FAILED, f"{canary.bug}: nobody sees it:\n{said}"
    for test in canary.tests:
        assert re.search(rf"^(FAILED|ERROR) {test}(::|/)", said, re.MULTILINE), (
            f"{canary.bug} {test} does not see it:\n{said}"
        )


CATCHERS = sorted({test for canary in CANARIES for test in canary.tests})
_SHARES = 4  # Of them: each is one start of pytest, and they may run side by side.


@pytest.mark.slow
@pytest.mark.timeout(2 * _LIMIT_SECONDS)
@pytest.mark.parametrize("share", range(_SHARES))
def test_what_catches_them_is_green_over_good_code(share: int, tree: Path) -> None:
    """In a copy and started as above, that is: the suite itself runs them all over good code."""
    code, said = outcome(tree, "-x", *CATCHERS[share::_SHARES], seeds=_GREEN_SEEDS)
    assert code == 0, said
