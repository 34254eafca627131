"""`bucketline thaw` against a server that thaws step by step."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archives import LOOKS, Archive, archive_server, asked, put
from bucketline.cli import main
from bucketline.flow.prices import Amount, Prices
from desk import VARIABLES, Desk, start
from faults.http import answer
from faults.kinds import refuse
from faults.proxy import Exchange, FaultProxy
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")

PRICES = {
    "currency": "USD",
    "gib_month": 3.0,
    "GLACIER": {
        "Standard": {"thousand_requests": 1000.0, "gib": 0},
        "Bulk": {"thousand_requests": 0, "gib": 0},
    },
}


@pytest.fixture(scope="module")
def glacier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with archive_server(tmp_path_factory.mktemp("glacier")) as endpoint:
        yield endpoint


@pytest.fixture
def proxy(glacier: Endpoint) -> Iterator[FaultProxy]:
    with FaultProxy(glacier.url) as proxy:
        yield proxy


@pytest.fixture
def desk(
    tmp_path: Path, glacier: Endpoint, proxy: FaultProxy, capsys: pytest.CaptureFixture[str]
) -> Desk:
    desk = Desk(tmp_path, glacier, capsys)
    desk.url = proxy.url
    return desk


def taken(exchange: Exchange) -> None:
    """As Amazon answers to who wants it faster."""
    exchange.send(answer(202))


def counts(summary: dict[str, Any]) -> tuple[int, ...]:
    names = ("listed", "skipped", "done", "failed", "waiting")
    assert summary["listed"] == sum(summary[name] for name in names[1:])
    return tuple(summary[name] for name in names)


def test_what_is_archived_is_asked_for_once_and_waited_for_by_running_again(
    desk: Desk, proxy: FaultProxy
) -> None:
    put(desk, "GLACIER", "g1", "g2")
    put(desk, "DEEP_ARCHIVE", "d")
    put(desk, "GLACIER_IR", "instant")
    put(desk, "", "plain")

    lines = desk.run("thaw", desk.s3, code=4)

    assert counts(lines[-1]) == (5, 2, 0, 0, 3)
    assert {line["message"] for line in lines[:-1]} == {
        "asked for: Standard takes 3 to 5 hours; run again then",
        "asked for: Standard takes 12 hours; run again then",
    }
    for _ in range(LOOKS - 1):
        assert counts(desk.run("thaw", desk.s3, code=4)[-1]) == (5, 2, 0, 0, 3)
    *lines, summary = desk.run("thaw", desk.s3)
    assert counts(summary) == (5, 2, 3, 0, 0)
    assert all(line["message"].startswith("thawed until 20") for line in lines)
    assert asked(proxy) == ["d", "g1", "g2"]
    assert desk.body("g1") == b"g1"


@pytest.mark.slow
def test_waiting_ends_when_all_can_be_read(desk: Desk, proxy: FaultProxy) -> None:
    put(desk, "GLACIER", "a", "b")

    told = desk.run("thaw", desk.s3, "--tier", "bulk", "--wait", "--every", "1")

    runs = [line for line in told if line["event"] == "summary"]
    assert [counts(one) for one in runs] == [(2, 0, 0, 0, 2), (2, 0, 2, 0, 0)]
    assert asked(proxy) == ["a", "b"]


@pytest.mark.slow
def test_one_that_fails_keeps_nobody_from_waiting_for_the_others(
    desk: Desk, proxy: FaultProxy
) -> None:
    put(desk, "GLACIER", "g")
    put(desk, "DEEP_ARCHIVE", "d")

    words = ("--tier", "Expedited", "--wait", "--every", "1")
    told = desk.run("thaw", desk.s3, *words, code=1)

    runs = [line for line in told if line["event"] == "summary"]
    assert [counts(one) for one in runs] == [(2, 0, 0, 1, 1), (2, 0, 1, 1, 0)]
    assert asked(proxy) == ["g"]


@pytest.mark.slow
def test_waiting_ends_when_somebody_asks_for_it(
    desk: Desk, proxy: FaultProxy, variables: dict[str, str]
) -> None:
    put(desk, "GLACIER", "a")
    words = ("thaw", desk.s3, "--wait", "--every", "1h", "--endpoint-url", desk.url)
    with start({**variables, **VARIABLES}, *words) as waiting:
        assert waiting.stdout is not None
        assert "waiting 1" in waiting.stdout.readline()  # The summary of the first pass.
        waiting.send_signal(signal.SIGTERM)

        assert waiting.wait(30) == 143


@pytest.mark.slow
def test_waiting_ends_in_time(desk: Desk, proxy: FaultProxy) -> None:
    put(desk, "GLACIER", "a")
    proxy.add(refuse(409, "RestoreAlreadyInProgress"), method="POST", path=r"\?restore")

    desk.run("thaw", desk.s3, "--wait", "--every", "1", "--max-duration", "1", code=4)


def test_a_dry_run_asks_for_nothing_and_says_what_it_would_cost(
    desk: Desk, proxy: FaultProxy, capsys: pytest.CaptureFixture[str]
) -> None:
    put(desk, "GLACIER", "a", "b")
    put(desk, "", "plain")
    prices = desk.file("prices.json", json.dumps(PRICES).encode())

    *lines, plan = desk.run("thaw", desk.s3, "-n", "--prices", str(prices), "--days", "30")

    assert [line["state"] for line in lines] == ["frozen", "frozen"]
    assert plan == {
        "event": "plan",
        "requests": 2,
        "bytes": 2,
        "tiers": {"GLACIER": {"objects": 2, "bytes": 2}},
        "rest": {"skipped": 1},
        "takes": "3 to 5 hours",
        "cost": 2.0,
        "currency": "USD",
    }
    assert asked(proxy) == []
    words = ["thaw", desk.s3, "-n", "--prices", str(prices), "--endpoint-url", desk.url]
    assert main(words) == 0
    *shown, said = capsys.readouterr().out.splitlines()
    assert shown == [f"thaw {key} (frozen, GLACIER, 1 B)" for key in ("a", "b")]
    assert said.split(" · ") == [
        *("would ask for 2 (2 B)", "GLACIER 2 (2 B)", "Standard, 7 days", "skipped 1"),
        *("takes 3 to 5 hours", "about 2.00 USD", "nothing was changed"),
    ]


def test_a_price_that_is_missing_is_no_price_of_nothing(desk: Desk) -> None:
    put(desk, "DEEP_ARCHIVE", "a")
    prices = desk.file("prices.json", json.dumps(PRICES).encode())
    desk.run("thaw", desk.s3, "-n", "--prices", str(prices), code=2)
    desk.file("prices.json", b'{"GLACIER": 1}')
    desk.run("thaw", desk.s3, "-n", "--prices", str(prices), code=2)


def test_the_prices_shown_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "thaw.md").read_text()
    file = tmp_path / "prices.json"
    file.write_text(re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])

    amounts = {"GLACIER": Amount(1000, 100 << 30), "INTELLIGENT_TIERING": Amount(5, 1 << 30)}

    assert Prices.read(file).of_thaw(amounts, "Bulk", 15) == pytest.approx(0.03 + 0.3 + 1.0)


def test_filters_and_one_object_choose(desk: Desk, proxy: FaultProxy) -> None:
    put(desk, "GLACIER", "p/a.txt", "p/b.tmp", "q")

    desk.run("thaw", f"{desk.s3}p/", "--exclude", "*.tmp", code=4)
    desk.run("thaw", f"{desk.s3}q", code=4)

    assert asked(proxy) == ["p/a.txt", "q"]


def test_the_deepest_archive_fails_in_haste_and_the_rest_goes_on(
    desk: Desk, proxy: FaultProxy
) -> None:
    put(desk, "GLACIER", "g")
    put(desk, "DEEP_ARCHIVE", "d")

    lines = desk.run("thaw", desk.s3, "--tier", "Expedited", code=1)

    assert counts(lines[-1]) == (2, 0, 0, 1, 1)
    assert asked(proxy) == ["g"]


def test_no_room_for_haste_is_waited_for(desk: Desk, proxy: FaultProxy) -> None:
    put(desk, "GLACIER", "g")
    proxy.add(refuse(503, "GlacierExpeditedRetrievalNotAvailable"), method="POST")

    lines = desk.run("thaw", desk.s3, "--tier", "Expedited", code=4)

    assert "no room for Expedited" in lines[0]["message"]
    assert asked(proxy) == ["g"]


def test_an_upgrade_asks_again_once(desk: Desk, proxy: FaultProxy) -> None:
    put(desk, "GLACIER", "g")
    desk.run("thaw", desk.s3, "--tier", "Bulk", code=4)
    proxy.add(taken, method="POST", path=r"\?restore")
    desk.run("thaw", desk.s3, "--tier", "Expedited", "--upgrade", code=4)

    assert asked(proxy) == ["g", "g"]


def test_what_others_asked_for_and_what_has_expired(desk: Desk, proxy: FaultProxy) -> None:
    archive = Archive(proxy)
    put(desk, "GLACIER", "others", "expired")
    put(desk, "INTELLIGENT_TIERING", "tiered", "near")
    archive.by_others |= {"others"}
    archive.expired |= {"expired"}
    archive.tiered |= {"tiered"}

    assert counts(desk.run("thaw", desk.s3, code=4)[-1]) == (4, 1, 0, 0, 3)
    for _ in range(LOOKS - 1):
        desk.run("thaw", desk.s3, code=4)
    assert counts(desk.run("thaw", desk.s3)[-1])[2:] == (2, 0, 0)  # `tiered` is archived no more.

    assert archive.refused == 1
    assert asked(proxy) == ["expired", "others", "tiered"]


def test_a_folder_has_no_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["thaw", str(tmp_path)]) == 2
    assert "only a bucket has archive tiers" in capsys.readouterr().err


def test_a_thaw_delivers_nothing_that_could_be_verified(desk: Desk) -> None:
    put(desk, "GLACIER", "g")
    desk.run("thaw", desk.s3, code=4)

    desk.run("verify", "last", code=2)
    desk.run("verify", desk.s3, code=2)


def test_a_sync_of_what_is_archived_waits_and_says_what_to_do(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    put(desk, "GLACIER", "g")
    put(desk, "", "plain")

    lines = desk.run("sync", desk.s3, str(desk.here / "back"), code=4)

    (waiting,) = (line for line in lines if line.get("fate") == "waiting")
    assert (waiting["key"], waiting["cause"]) == ("g", "NeedsThaw")
    assert "bucketline thaw" in waiting["message"]
    assert (desk.here / "back" / "plain").read_bytes() == b"plain"
