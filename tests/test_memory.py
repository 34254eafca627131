"""The reference store does as S3 does; each verb is one effect that a test can aim at."""

from __future__ import annotations

from hashlib import md5

import pytest

from bucketline.errors import (
    BadRequest,
    Changed,
    Conflict,
    Mismatch,
    NoBucket,
    NotFound,
    Unholdable,
)
from bucketline.model import Attributes
from bucketline.stores.base import Store, Work
from bucketline.stores.memory import MemoryStore
from flows import HELLO_MD5, drive

WORLD_MD5 = "7d793037a0760186574b0282f2f435e7"


def names(store: MemoryStore, prefix: str = "", after: str = "") -> list[list[str]]:
    pages, token = [], ""
    while True:
        page = drive(store.page(prefix, token=token, after=after))
        pages.append([entry.key for entry in page.entries])
        token = page.token
        if not token:
            return pages


def test_it_is_a_store() -> None:
    store: Store = MemoryStore()
    assert store.name == "memory:"


def test_what_was_written_is_read_with_its_etag_and_attributes() -> None:
    store = MemoryStore()
    attributes = Attributes({"content-type": "text/plain"}, {"owner": "me"}, {"a": "1"}, "COLD")
    assert drive(store.write("k", b"hello", attributes=attributes)).etag == HELLO_MD5
    found, body = drive(store.read("k"))
    assert (body, found.entry.size, found.entry.etag) == (b"hello", 5, HELLO_MD5)
    assert (found.attributes.headers, found.attributes.metadata) == (
        {"content-type": "text/plain"},
        {"owner": "me"},
    )
    assert (found.attributes.tags, found.tag_count, found.entry.tier) == ({}, 1, "COLD")
    assert drive(store.tags("k")) == {"a": "1"}
    assert store.snapshot() == {"k": (b"hello", attributes)}


def test_ranges_end_where_the_object_ends() -> None:
    store = MemoryStore(objects={"k": b"hello"})
    assert drive(store.read("k", start=1, size=3)).body == b"ell"
    assert drive(store.read("k", start=3, size=30)).body == b"lo"
    assert drive(store.read("k", start=9)).body == b""
    assert drive(store.read("k", start=1, size=1)).found.entry.size == 5


def test_a_read_pinned_to_another_etag_says_changed() -> None:
    store = MemoryStore(objects={"k": b"hello"})
    assert drive(store.read("k", etag=HELLO_MD5)).body == b"hello"
    drive(store.write("k", b"world"))
    with pytest.raises(Changed):
        drive(store.read("k", etag=HELLO_MD5))


def test_pages_come_in_utf8_order_and_end_with_an_empty_token() -> None:
    keys = ["a.txt", "a/b", "z", "é", "\ufb01", "\U0001f600"]
    store = MemoryStore(objects=dict.fromkeys(reversed(keys), b""), page_size=2)
    assert names(store) == [["a.txt", "a/b"], ["z", "é"], ["\ufb01", "\U0001f600"]]
    assert keys == sorted(keys, key=str.encode)
    assert names(store, "a") == [["a.txt", "a/b"]]
    assert names(store, after="a/b") == [["z", "é"], ["\ufb01", "\U0001f600"]]
    assert names(MemoryStore()) == [[]]


def test_a_conditional_write_spares_what_is_there() -> None:
    store = MemoryStore()
    drive(store.write("k", b"hello", if_absent=True))
    with pytest.raises(Conflict):
        drive(store.write("k", b"world", if_absent=True))
    assert store.bodies() == {"k": b"hello"}


def test_bytes_that_do_not_fit_their_digest_are_refused() -> None:
    store = MemoryStore()
    with pytest.raises(Mismatch):
        drive(store.write("k", b"hello", md5=md5(b"world").digest()))
    assert store.bodies() == {}


def test_absent_things_are_deleted_and_abandoned_with_success() -> None:
    store = MemoryStore(objects={"a": b"", "b": b""})
    drive(store.delete("a"))
    drive(store.delete("a"))
    assert drive(store.delete_many(["b", "c"])) == {}
    drive(store.abandon("k", "nothing"))
    assert store.bodies() == {}
    with pytest.raises(NotFound):
        drive(store.stat("a"))


def test_parts_in_any_order_become_an_object_with_the_etag_of_parts() -> None:
    store = MemoryStore()
    upload = drive(store.begin("k", 10, attributes=Attributes(metadata={"a": "b"})))
    drive(store.part("k", upload, 2, b"world", offset=5))
    drive(store.part("k", upload, 1, b"other", offset=0))
    assert drive(store.part("k", upload, 1, b"hello", offset=0)).etag == HELLO_MD5
    assert store.bodies() == {}
    receipt = drive(store.finish("k", upload, [HELLO_MD5, WORLD_MD5]))
    digests = bytes.fromhex(HELLO_MD5 + WORLD_MD5)
    assert receipt.etag == f"{md5(digests).hexdigest()}-2"
    assert store.objects["k"].part_sizes == (5, 5)
    assert store.snapshot() == {"k": (b"helloworld", Attributes(metadata={"a": "b"}))}
    assert drive(store.finish("k", upload, [HELLO_MD5, WORLD_MD5])) == receipt


@pytest.mark.parametrize("etags", [[HELLO_MD5], [WORLD_MD5, HELLO_MD5], [HELLO_MD5] * 3, []])
def test_parts_that_do_not_make_the_whole_are_refused(etags: list[str]) -> None:
    store = MemoryStore()
    upload = drive(store.begin("k", 10))
    drive(store.part("k", upload, 1, b"hello", offset=0))
    drive(store.part("k", upload, 2, b"world", offset=5))
    with pytest.raises(BadRequest):
        drive(store.finish("k", upload, etags))
    assert store.bodies() == {}


def test_a_part_at_the_wrong_place_is_noticed() -> None:
    store = MemoryStore()
    upload = drive(store.begin("k", 10))
    drive(store.part("k", upload, 1, b"hello", offset=5))
    drive(store.part("k", upload, 2, b"world", offset=0))
    with pytest.raises(BadRequest):
        drive(store.finish("k", upload, [HELLO_MD5, WORLD_MD5]))


@pytest.mark.parametrize("key", ["", "é" * 513])
def test_a_key_that_s3_does_not_take_is_refused(key: str) -> None:
    with pytest.raises(Unholdable):
        drive(MemoryStore().write(key, b""))


def test_a_bucket_that_is_gone_is_no_empty_bucket() -> None:
    store = MemoryStore()
    store.is_there = False
    with pytest.raises(NoBucket):
        drive(store.page())
    with pytest.raises(NoBucket):
        drive(store.write("k", b""))


def test_every_verb_is_one_work_that_bears_its_name_and_does_nothing_before_it_is_called() -> None:
    store = MemoryStore()
    flow = store.write("k", b"hello")
    effect = next(flow)
    assert isinstance(effect, Work)
    assert (effect.name, effect.key) == ("write", "k")
    assert store.bodies() == {}
    effect.call()
    assert store.bodies() == {"k": b"hello"}


def test_what_is_written_later_is_modified_later() -> None:
    store = MemoryStore()
    drive(store.write("a", b""))
    drive(store.write("b", b""))
    assert store.objects["a"].modified < store.objects["b"].modified
