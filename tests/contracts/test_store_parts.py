"""What every store promises of objects that come in parts: all at once, or not at all."""

from __future__ import annotations

from hashlib import md5

import pytest

from bucketline.errors import Mismatch, NotFound
from bucketline.flow.drive import blocking as call
from bucketline.model import Attributes
from bucketline.stores.base import Store
from contracts.test_store import keys

MIB = 1 << 20
BLOCK = bytes(range(256)) * 4096
ODD = [BLOCK * 5 + b"1", BLOCK * 5 + b"333", b"seven!!"]  # The smallest that S3 takes, and odd.
WHOLE = b"".join(ODD)


def send(store: Store, upload: str, parts: list[bytes], *, key: str = "key") -> list[str]:
    """All parts, last one first; the answer is their ETags in order."""
    offsets = [sum(map(len, parts[:number])) for number in range(len(parts))]
    etags = [""] * len(parts)
    for number in reversed(range(len(parts))):
        body = parts[number]
        sent = store.part(
            key, upload, number + 1, body, offset=offsets[number], md5=md5(body).digest()
        )
        etags[number] = call(sent).etag
    return etags


def test_odd_parts_in_any_order_become_the_object(store: Store) -> None:
    upload = call(store.begin("folder/key", len(WHOLE)))
    etags = send(store, upload, ODD, key="folder/key")

    receipt = call(store.finish("folder/key", upload, etags))

    piece = call(store.read("folder/key"))
    assert md5(piece.body).digest() == md5(WHOLE).digest()
    assert piece.found.entry.size == len(WHOLE)
    assert receipt.etag == call(store.stat("folder/key")).entry.etag
    assert keys(store) == ["folder/key"]


def test_nothing_is_visible_before_the_finish(store: Store) -> None:
    upload = call(store.begin("key", 3))
    etags = send(store, upload, [b"abc"])

    assert keys(store) == []
    with pytest.raises(NotFound):
        call(store.stat("key"))

    call(store.finish("key", upload, etags))
    assert keys(store) == ["key"]


def test_the_old_object_stands_until_the_finish(store: Store) -> None:
    call(store.write("key", b"old"))
    upload = call(store.begin("key", 3))
    etags = send(store, upload, [b"new"])

    assert call(store.read("key")).body == b"old"

    call(store.finish("key", upload, etags))
    assert call(store.read("key")).body == b"new"


def test_to_finish_again_is_a_success(store: Store) -> None:
    upload = call(store.begin("key", 3))
    etags = send(store, upload, [b"abc"])

    first = call(store.finish("key", upload, etags))
    second = call(store.finish("key", upload, etags))

    assert (second.etag, call(store.read("key")).body) == (first.etag, b"abc")


def test_a_part_sent_again_replaces_the_first(store: Store) -> None:
    upload = call(store.begin("key", 3))
    send(store, upload, [b"one"])
    etags = send(store, upload, [b"two"])

    call(store.finish("key", upload, etags))

    assert call(store.read("key")).body == b"two"


def test_a_part_that_does_not_fit_its_md5_is_refused(store: Store) -> None:
    upload = call(store.begin("key", 3))

    with pytest.raises(Mismatch):
        call(store.part("key", upload, 1, b"bad", offset=0, md5=md5(b"abc").digest()))

    etags = send(store, upload, [b"abc"])
    call(store.finish("key", upload, etags))
    assert call(store.read("key")).body == b"abc"


def test_the_etag_of_a_part_is_its_md5_where_that_is_promised(store: Store) -> None:
    upload = call(store.begin("key", 3))

    etags = send(store, upload, [b"abc"])

    assert not store.able.etag_is_md5 or etags == [md5(b"abc").hexdigest()]


def test_abandoned_is_gone_and_abandoning_again_is_a_success(store: Store) -> None:
    call(store.write("key", b"old"))
    upload = call(store.begin("key", 3))
    send(store, upload, [b"new"])

    for _ in range(2):
        call(store.abandon("key", upload))

    assert call(store.read("key")).body == b"old"
    assert keys(store) == ["key"]


def test_an_abandoned_upload_cannot_be_finished(store: Store) -> None:
    upload = call(store.begin("key", 3))
    etags = send(store, upload, [b"new"])
    call(store.abandon("key", upload))

    with pytest.raises(NotFound):
        call(store.finish("key", upload, etags))

    assert keys(store) == []


def test_two_uploads_to_one_key_do_not_mix(store: Store) -> None:
    first, second = (call(store.begin("key", 3)) for _ in range(2))
    etags = send(store, first, [b"one"])
    send(store, second, [b"two"])

    call(store.finish("key", first, etags))
    call(store.abandon("key", second))

    assert call(store.read("key")).body == b"one"


def test_attributes_given_at_the_beginning_are_kept(store: Store) -> None:
    attributes = Attributes(headers={"content-type": "text/x-own"}, metadata={"color": "red"})
    upload = call(store.begin("key", 3, attributes=attributes))

    call(store.finish("key", upload, send(store, upload, [b"abc"])))

    found = call(store.stat("key")).attributes
    assert (found.headers["content-type"], found.metadata["color"]) == ("text/x-own", "red")


def test_an_object_of_one_odd_name_comes_in_parts(store: Store) -> None:
    key = "ä b/+%2F?&=<x>.txt"
    upload = call(store.begin(key, 3))

    call(store.finish(key, upload, send(store, upload, [b"abc"], key=key)))

    assert call(store.read(key)).body == b"abc"
    assert keys(store) == [key]
