"""Attributes alone: brought to an object whose bytes, and whose etag, stay as they are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from hashlib import md5
from typing import Any

import pytest

from bucketline.errors import Changed, Conflict, NotFound, StoreError, Unsupported
from bucketline.flow.drive import blocking as call
from bucketline.model import Attributes, Found
from bucketline.stores.base import Store
from bucketline.stores.beyond import retouched
from bucketline.stores.s3.store import S3Store
from contracts.test_store import TAGS, keys
from contracts.test_store_parts import ODD, WHOLE, send

MIB = 1 << 20
OLD = Attributes({"content-type": "text/x-old"}, {"owner": "old", "gone": "1"}, {"stage": "old"})
NEW = Attributes({"content-type": "text/x-new", "cache-control": "no-store"}, {"owner": "neü"})
EVEN = [b"1" * (5 * MIB), b"2" * (5 * MIB), b"3"]


def found(store: Store, key: str) -> Found:
    """With its tags."""
    told = call(store.stat(key))
    try:
        tags = call(store.tags(key))
    except StoreError:
        return told
    return replace(told, attributes=replace(told.attributes, tags=tags))


def put(store: Store, attributes: Attributes, *, tags: bool = True) -> Found:
    if not tags:
        attributes = replace(attributes, tags={})
    call(store.write("folder/key", b"bytes", attributes=attributes))
    return found(store, "folder/key")


def touch(store: Store, wanted: Attributes, there: Found, *, part_size: int = 8 * MIB) -> Any:
    return call(retouched(store, there.entry.key, wanted, there, part_size))


def is_so(told: Attributes, wanted: Attributes) -> bool:
    headers = {name: told.headers.get(name) for name in wanted.headers}
    metadata = {name: value for name, value in told.metadata.items() if name != "mtime"}
    return (headers, metadata) == (dict(wanted.headers), dict(wanted.metadata))


def test_headers_and_metadata_change_and_the_bytes_stay(store: Store) -> None:
    there = put(store, OLD, tags=False)

    receipt = touch(store, NEW, there)

    piece = call(store.read("folder/key"))
    assert piece.body == b"bytes"
    assert is_so(piece.found.attributes, NEW)
    now = call(store.stat("folder/key")).entry
    assert (now.size, now.etag) == (5, there.entry.etag)
    assert receipt.pin.removesuffix("~") == now.pin.removesuffix("~")
    assert keys(store) == ["folder/key"]  # Whatever was tried before is gone.


def test_the_same_again_changes_nothing(store: Store) -> None:
    there = put(store, OLD, tags=False)
    touch(store, NEW, there)
    touch(store, NEW, found(store, "folder/key"))

    assert is_so(call(store.stat("folder/key")).attributes, NEW)
    assert call(store.read("folder/key")).body == b"bytes"


def test_tags_change_alone(store: Store) -> None:
    there = put(store, OLD)

    touch(store, replace(there.attributes, tags=TAGS), there)

    assert call(store.tags("folder/key")) == TAGS
    assert is_so(call(store.stat("folder/key")).attributes, OLD)
    touch(store, replace(there.attributes, tags={}), found(store, "folder/key"))
    assert call(store.tags("folder/key")) == {}
    assert call(store.read("folder/key")).body == b"bytes"


def test_tags_come_along_with_the_rest(store: Store) -> None:
    there = put(store, OLD)

    touch(store, replace(NEW, tags=TAGS), there)

    assert call(store.tags("folder/key")) == TAGS
    assert is_so(call(store.stat("folder/key")).attributes, NEW)


def test_another_object_than_was_looked_at_is_left_as_it_is(store: Store) -> None:
    there = put(store, OLD, tags=False)
    call(store.write("folder/key", b"newer bytes"))

    with pytest.raises((Changed, Conflict)):
        touch(store, NEW, there)

    assert call(store.read("folder/key")).body == b"newer bytes"
    assert keys(store) == ["folder/key"]


def test_what_is_gone_stays_gone(store: Store) -> None:
    there = put(store, OLD, tags=False)
    call(store.delete("folder/key"))

    with pytest.raises((NotFound, Changed)):
        touch(store, NEW, there)

    assert keys(store) == []


def test_an_object_in_parts_keeps_its_etag(bucket: S3Store) -> None:
    upload = call(bucket.begin("key", 10 * MIB + 1, attributes=OLD))
    call(bucket.finish("key", upload, send(bucket, upload, EVEN)))
    there = found(bucket, "key")

    touch(bucket, replace(NEW, tags=there.attributes.tags), there, part_size=5 * MIB)

    piece = call(bucket.read("key"))
    assert md5(piece.body).digest() == md5(b"".join(EVEN)).digest()
    assert piece.found.entry.etag == there.entry.etag
    assert is_so(piece.found.attributes, NEW)
    assert call(bucket.list_uploads()) == []


def test_an_object_in_odd_parts_stays_whole_whatever_comes(bucket: S3Store) -> None:
    upload = call(bucket.begin("key", len(WHOLE), attributes=replace(OLD, tags={})))
    call(bucket.finish("key", upload, send(bucket, upload, ODD)))
    there = found(bucket, "key")

    with suppress(Unsupported):  # Where nobody tells the size of the first part.
        touch(bucket, NEW, there, part_size=8 * MIB)

    piece = call(bucket.read("key"))
    assert md5(piece.body).digest() == md5(WHOLE).digest()
    assert piece.found.entry.etag == there.entry.etag
    assert call(bucket.list_uploads()) == []
    assert keys(bucket) == ["key"]


def test_an_acl_is_told_and_stays_over_a_change_of_the_rest(bucket: S3Store) -> None:
    public = replace(OLD, tags={}, protection={"acl": "public-read"})
    there = put(bucket, public)
    assert call(bucket.access("folder/key")).canned == "public-read"

    touch(bucket, NEW, there)
    assert call(bucket.access("folder/key")).canned == "public-read"

    there = found(bucket, "folder/key")
    touch(bucket, replace(there.attributes, protection={"acl": "private"}), there)
    assert call(bucket.access("folder/key")).canned == "private"
    assert call(bucket.read("folder/key")).body == b"bytes"


UNTIL = "2037-01-01T00:00:00Z"
LOCK = {"object-lock-mode": "GOVERNANCE", "object-lock-retain-until-date": UNTIL}
HOLD = {"object-lock-legal-hold": "ON"}


def test_a_lock_is_set_alone_and_told(lockable: S3Store) -> None:
    there = put(lockable, replace(OLD, tags={}))

    touch(lockable, replace(there.attributes, protection=LOCK | HOLD), there)

    told = call(lockable.stat("folder/key")).attributes.protection
    assert told["object-lock-mode"] == "GOVERNANCE"
    assert told["object-lock-retain-until-date"][:19] == UNTIL[:19]
    assert told["object-lock-legal-hold"] == "ON"
    assert call(lockable.read("folder/key")).body == b"bytes"


def test_a_lock_stays_over_a_change_of_the_rest(lockable: S3Store) -> None:
    there = put(lockable, replace(OLD, tags={}, protection=LOCK | HOLD))

    touch(lockable, replace(NEW, protection=there.attributes.protection), there)

    told = call(lockable.stat("folder/key")).attributes
    assert told.protection["object-lock-mode"] == "GOVERNANCE"
    assert told.protection["object-lock-legal-hold"] == "ON"
    assert is_so(told, NEW)
