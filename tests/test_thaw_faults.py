"""A thaw over bad links and moody servers: every object is thawed, and nothing is believed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archives import LOOKS, archive_server
from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from desk import Desk
from faults import kinds
from faults.proxy import Fault, FaultProxy
from servers import Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("surroundings"), pytest.mark.timeout(120)]
_OBJECTS = 12

FAULTS = {
    "slow-down": kinds.slow_down(),
    "500": kinds.fail,
    "error-in-200": kinds.fail_in_200,
    "answer-lost": kinds.lose_answer,
    "reset": kinds.reset_before_headers,
    "ends-early": kinds.end_early,
}


@pytest.fixture(scope="module")
def glacier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with archive_server(tmp_path_factory.mktemp("glacier")) as endpoint:
        yield endpoint


def desk_with(here: Path, glacier: Endpoint, capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(here, glacier, capsys)
    for number in range(_OBJECTS):
        blocking(desk.store.write(f"k{number:02}", b"x", attributes=Attributes(tier="GLACIER")))
    return desk


@pytest.mark.parametrize("method", ["POST", "HEAD"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_all_are_thawed_through(
    tmp_path: Path,
    glacier: Endpoint,
    capsys: pytest.CaptureFixture[str],
    method: str,
    fault: Fault,
) -> None:
    desk = desk_with(tmp_path, glacier, capsys)
    with FaultProxy(glacier.url) as proxy:
        desk.url = proxy.url
        proxy.add(fault, method=method, every=4, times=4)
        passes = 0
        while (ended := desk.ended("thaw", desk.s3))[0] == 4:
            fates = ("skipped", "done", "failed", "waiting")
            assert ended[1][-1]["listed"] == sum(ended[1][-1][fate] for fate in fates)
            passes += 1
            assert passes <= 2 * LOOKS + 2
        done = ended[1][-1]["done"]

    assert (ended[0], done) == (0, _OBJECTS)
    assert all(desk.body(f"k{number:02}") == b"x" for number in range(_OBJECTS))


def test_a_denied_object_fails_alone_and_a_denied_bucket_ends_it(
    tmp_path: Path, glacier: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_with(tmp_path, glacier, capsys)
    with FaultProxy(glacier.url) as proxy:
        desk.url = proxy.url
        proxy.add(kinds.refuse(403, "AccessDenied"), method="POST", path="/k03")
        code, lines = desk.ended("thaw", desk.s3)
        assert (code, lines[-1]["failed"], lines[-1]["waiting"]) == (1, 1, _OBJECTS - 1)

        proxy.heal()
        proxy.add(kinds.refuse(403, "AccessDenied"), method="GET")
        assert desk.ended("thaw", desk.s3)[0] == 5


def test_a_listing_that_breaks_off_is_no_short_one(
    tmp_path: Path, glacier: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_with(tmp_path, glacier, capsys)
    with FaultProxy(glacier.url) as proxy:
        desk.url = proxy.url
        proxy.add(kinds.edit(kinds._cut_in_the_middle), method="GET")

        assert desk.ended("thaw", desk.s3)[0] == 5
        assert proxy.seen("POST") == []
