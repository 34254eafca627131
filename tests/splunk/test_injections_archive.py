"""Faults of the archive while it is read: thaws that take long or end, what goes or changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.flow.drive import blocking
from desk import Desk
from faults.http import Message
from faults.kinds import refuse
from faults.proxy import Exchange, FaultProxy
from splunk.injected import BID, JOURNAL, through
from splunk.journals import journal
from splunk.site import ORIGIN, Site


class Glacier:
    """A thaw that takes so many looks, or is over; moto's own takes no time."""

    def __init__(self, looks: int, *, expired: bool = False) -> None:
        self.looks, self.expired = looks, expired

    def head(self, exchange: Exchange) -> None:
        told = exchange.forward()
        if b"x-amz-restore" not in told.head.lower():
            exchange.send(told)
        elif self.looks > 0:
            self.looks -= 1
            exchange.send(_restore(told, b'ongoing-request="true"'))
        else:
            exchange.send(told)

    def get(self, exchange: Exchange) -> None:
        if self.looks > 0 or self.expired:
            refuse(403, "InvalidObjectState")(exchange)
        else:
            exchange.send(exchange.forward())


def _restore(told: Message, value: bytes) -> Message:
    head = re.sub(rb"(?im)^(x-amz-restore: ).*\r$", rb"\1" + value + b"\r", told.head)
    return Message(head, told.body)


@pytest.fixture
def frozen(site: Site) -> Site:
    site.splunk.add_index("web")
    site.archive("web", 1, tier="GLACIER")
    return site


def test_f21_what_is_being_thawed_waits_for_a_later_run(
    frozen: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    ice = Glacier(3)
    with FaultProxy(frozen.desk.url) as proxy:
        proxy.add(ice.head, method="HEAD", path=JOURNAL)
        proxy.add(ice.get, method="GET", path=JOURNAL)
        runs = [main(through(frozen, proxy)) for _ in range(3)]
        asked = [seen for seen in proxy.seen("POST", JOURNAL) if "restore" in seen.query]

    assert runs[0] == 4
    assert 0 in runs
    assert len(asked) == 1
    assert "it is being thawed" in capsys.readouterr().out
    assert frozen.splunk.evicted == [BID]


def test_f21_a_thaw_that_is_over_when_its_turn_comes_waits(
    frozen: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    ice = Glacier(0, expired=True)
    with FaultProxy(frozen.desk.url) as proxy:
        proxy.add(ice.get, method="GET", path=JOURNAL)
        assert main(through(frozen, proxy)) == 4
        assert "waiting" in capsys.readouterr().out
        ice.expired = False
        assert main(through(frozen, proxy)) == 0

    assert frozen.splunk.uploads[BID] == 1


def test_f21_a_thaw_that_nobody_may_ask_for_is_a_failure(
    frozen: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who waits for it waits for ever."""
    with FaultProxy(frozen.desk.url) as proxy:
        proxy.add(refuse(403, "AccessDenied"), method="POST", path=JOURNAL)
        assert main(through(frozen, proxy)) == 1

    said = capsys.readouterr()
    assert "failed   web/" in said.out
    assert "being thawed" not in said.out
    assert "failed 1 · waiting 0" in said.err


def test_f22_a_key_that_goes_while_we_run_fails_its_bucket_alone(
    one: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    one.archive("web", 2)
    with FaultProxy(one.desk.url) as proxy:
        proxy.add(refuse(404, "NoSuchKey"), method="GET", path=f"_1_{ORIGIN}/{JOURNAL}")
        proxy.add(refuse(404, "NoSuchKey"), method="HEAD", path=f"_1_{ORIGIN}/{JOURNAL}")
        code = main(through(one, proxy))

    assert code == 1
    assert "gone" in capsys.readouterr().out
    assert sorted(one.splunk.uploads) == [f"web~2~{ORIGIN}"]
    assert one.run()["done"] == 1


def test_f22_an_object_that_changes_while_we_run_is_not_taken(
    one: Site, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    key = next(e.key for e in _archived(one) if JOURNAL in e.key)

    def changes(exchange: Exchange) -> None:
        blocking(desk.store.write(key, journal(7)))
        exchange.send(exchange.forward())

    with FaultProxy(desk.url) as proxy:
        proxy.add(changes, method="GET", path=JOURNAL, nth=1)
        code = main(through(one, proxy))

    assert code == 1
    assert "another one now" in capsys.readouterr().out
    told = one.told()
    assert (told[-1]["done"], told[-1]["events"]) == (1, 7)


def _archived(site: Site) -> Any:
    page = blocking(site.desk.store.page("ddss/"))
    return page.entries
