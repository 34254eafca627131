"""For the pytest that looks at a canary: a file or folder that has seen it need not go on."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

_SEEN = pytest.StashKey[set[str]]()


def _named(item: pytest.Item) -> Iterator[str]:
    """By the words of the command line that ask for this test."""
    for word in item.config.args:
        if item.nodeid.startswith((f"{word}::", f"{word}/")):
            yield word


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.config.stash.setdefault(_SEEN, set()).issuperset(_named(item)):
        pytest.skip("seen already")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.config.stash[_SEEN].update(_named(item))
    return report
