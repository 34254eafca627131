"""What is learnt of a service is remembered, and counts only for the service it was learnt of."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.stores.base import Answer
from bucketline.stores.s3 import Manners, S3Store
from bucketline.stores.s3.manners import FILE
from s3_by_hand import START, Played, answer, refused, store

A, B = "http://a:1", "http://b:1"


class Shop:
    """A state folder, its clock, and what was said about the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock(START)
        self.said: list[str] = []

    def manners(self) -> Manners:
        return Manners(self.folder, self.clock, self.said.append)

    def opened(self, *urls: str, **remote: Any) -> S3Store:
        place = store(endpoints=urls or (A,), clock=self.clock, **remote)
        place.recall(self.manners())
        return place

    def keep(self, place: S3Store, *, must_sort: bool = False) -> None:
        manners = self.manners()
        place.teach(manners, must_sort=must_sort)
        manners.save()

    @property
    def path(self) -> Path:
        return self.folder / FILE


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def good(server: str = "demo/1") -> Answer:
    return answer(body=b"x", content_length="1", etag='"e"', server=server)


def met(place: S3Store, server: str = "demo/1") -> S3Store:
    """It has answered each of its endpoints' first calls."""
    Played(_reads(place, len(place.pool.addresses)), *[good(server) for _ in place.pool.addresses])
    return place


def _reads(place: S3Store, count: int) -> Any:
    for _ in range(count):
        yield from place.read("k")


def taught(shop: Shop, *urls: str, server: str = "demo/1") -> S3Store:
    """A run that has learnt much."""
    place = met(shop.opened(*urls), server)
    client = place._client
    client.learn(conditional_write=True, checksums=frozenset({"sha256"}), lists_parts=False)
    client.knows_tags = client.lists_v1 = True
    client.plus_is_blank = False
    shop.keep(place)
    return place


def test_what_one_run_learnt_the_next_one_knows_after_the_first_answer(shop: Shop) -> None:
    before = taught(shop)

    place = shop.opened()
    assert place.able.conditional_write is False
    met(place)

    assert place.able == before.able
    client = place._client
    assert (client.knows_tags, client.lists_v1, client.plus_is_blank) == (True, True, False)


def test_another_server_at_the_same_place_is_a_stranger(shop: Shop) -> None:
    taught(shop)

    place = met(shop.opened(), "demo/2")

    assert place._client.knows_tags is False
    assert place.able == met(store(endpoints=(A,)), "demo/2").able
    shop.keep(place)
    assert shop.manners().of(A, "demo/1") == {}


def test_it_is_forgotten_after_a_month_and_use_alone_does_not_prolong_it(shop: Shop) -> None:
    taught(shop)
    shop.clock.sleep(29 * 86_400)
    shop.keep(met(shop.opened()))
    assert met(shop.opened()).able.conditional_write

    shop.clock.sleep(2 * 86_400)

    assert met(shop.opened()).able.conditional_write is False


def test_of_several_endpoints_each_must_be_known_for_what_counts_as_proven(shop: Shop) -> None:
    taught(shop, A)
    assert met(shop.opened(A, B)).able.conditional_write is False
    assert met(shop.opened(A, B)).able.lists_parts is False

    taught(shop, A, B)

    place = met(shop.opened(A, B))
    assert place.able.conditional_write
    assert place.able.checksums == frozenset({"sha256"})


def test_a_listing_without_order_is_known_before_anything_is_asked(shop: Shop) -> None:
    shop.keep(met(shop.opened()), must_sort=True)

    assert shop.opened().must_sort(shop.manners())
    assert not store("other", endpoints=(A,)).must_sort(shop.manners())


def test_the_file_is_private_and_holds_no_secret(shop: Shop) -> None:
    taught(shop)

    assert stat.S_IMODE(shop.path.stat().st_mode) == 0o600
    assert "secret" not in shop.path.read_text()
    assert [path.name for path in shop.folder.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version":1}', '{"version":1,"endpoints":{"a":["s",{"f":[3,4]}]}}'],
)
def test_a_damaged_file_is_told_and_made_anew(shop: Shop, text: str) -> None:
    shop.path.write_text(text)

    place = met(shop.opened())
    assert ["is damaged" in said for said in shop.said] == [True]
    taught(shop)

    assert json.loads(shop.path.read_text())["version"] == 1
    assert place.able == met(store(endpoints=(A,))).able


def test_a_file_of_a_newer_program_is_left_alone(shop: Shop) -> None:
    shop.path.write_text('{"version": 2}')

    taught(shop)

    assert shop.path.read_text() == '{"version": 2}'
    assert all("written by a newer bucketline" in said for said in shop.said)


def test_a_folder_that_cannot_be_written_only_costs_a_notice(shop: Shop, tmp_path: Path) -> None:
    shop.folder = tmp_path / "missing"

    taught(shop)

    assert any("cannot be written" in said for said in shop.said)


def test_two_processes_lose_nothing_of_each_other(shop: Shop) -> None:
    one, two = shop.manners(), shop.manners()
    one.keep(A, "s", {"tags": False})
    two.keep(B, "s", {"tags": False})
    one.save()
    two.save()

    assert [shop.manners().of(url, "s") for url in (A, B)] == [{"tags": False}] * 2


def test_amazon_is_known_anyway(shop: Shop) -> None:
    place = shop.opened("https://s3.eu-west-1.amazonaws.com")
    met(place)

    shop.keep(place)

    assert not shop.path.exists()


def test_a_refusal_is_no_introduction(shop: Shop) -> None:
    taught(shop)
    place = shop.opened()

    with pytest.raises(Exception, match="not allowed"):
        Played(place.delete("k"), refused(403, "AccessDenied", server="demo/1"))

    assert place.able.conditional_write is False
