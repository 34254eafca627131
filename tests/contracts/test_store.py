"""What every store promises of whole objects; stores/base.py is the wording."""

from __future__ import annotations

from hashlib import md5

import pytest

from bucketline.errors import Changed, Conflict, Mismatch, NotFound, StoreError, Unholdable
from bucketline.flow.drive import blocking as call
from bucketline.model import Attributes, Entry
from bucketline.stores.base import Flow, Piece, Store, Together

HEADERS = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "max-age=60",
    "content-disposition": 'attachment; filename="a.txt"',
    "content-encoding": "x-own",
    "content-language": "de",
    "expires": "Wed, 21 Oct 2037 07:28:00 GMT",
}


def listed(store: Store, prefix: str = "", after: str = "") -> list[Entry]:
    """All pages."""
    page = call(store.page(prefix, after=after))
    entries = page.entries
    while page.token:
        page = call(store.page(prefix, token=page.token, after=after))
        entries += page.entries
    return entries


def keys(store: Store, prefix: str = "", after: str = "") -> list[str]:
    return [entry.key for entry in listed(store, prefix, after)]


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) + 1])
def test_what_is_written_is_read_back(store: Store, size: int) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]

    call(store.write("folder/key", body))

    piece = call(store.read("folder/key"))
    assert (piece.body, piece.found.entry.size) == (body, size)


def test_stat_listing_and_read_tell_the_same(store: Store) -> None:
    receipt = call(store.write("key", b"bytes"))

    [entry] = listed(store)
    stat = call(store.stat("key")).entry
    read = call(store.read("key")).found.entry
    told = ("key", 5, receipt.etag or entry.etag)
    assert [(e.key, e.size, e.etag) for e in (entry, stat)] == [told] * 2
    # Who remembers etags says nothing of the bytes that are read now.
    assert (read.key, read.size, read.etag or told[2]) == told
    assert bool(read.etag) != bool(read.stamp)
    assert receipt.pin in {"", entry.pin}
    assert abs(entry.modified - stat.modified) < 1
    assert entry.modified > 0


def test_the_etag_is_the_md5_where_that_is_promised(store: Store) -> None:
    receipt = call(store.write("key", b"bytes"))

    assert not store.able.etag_is_md5 or receipt.etag == md5(b"bytes").hexdigest()


def test_a_write_replaces_the_object(store: Store) -> None:
    first = call(store.write("key", b"long and old"))
    second = call(store.write("key", b"new"))

    assert call(store.read("key")).body == b"new"
    assert [entry.size for entry in listed(store)] == [3]
    assert first.etag != second.etag or not first.etag


def test_the_same_write_again_changes_nothing(store: Store) -> None:
    for _ in range(2):
        call(store.write("key", b"bytes", md5=md5(b"bytes").digest()))

    assert [(entry.key, entry.size) for entry in listed(store)] == [("key", 5)]


def test_a_body_that_does_not_fit_its_md5_is_refused(store: Store) -> None:
    with pytest.raises(Mismatch):
        call(store.write("key", b"damaged", md5=md5(b"whole").digest()))

    assert keys(store) == []


def test_a_failed_overwrite_leaves_the_old_bytes(store: Store) -> None:
    call(store.write("key", b"old"))

    with pytest.raises(Mismatch):
        call(store.write("key", b"damaged", md5=md5(b"whole").digest()))

    assert call(store.read("key")).body == b"old"
    assert keys(store) == ["key"]


def test_if_absent_writes_what_is_absent(store: Store) -> None:
    call(store.write("key", b"first", if_absent=True))

    assert call(store.read("key")).body == b"first"


def test_if_absent_never_replaces(store: Store) -> None:
    call(store.write("key", b"first"))

    with pytest.raises(Conflict):
        call(store.write("key", b"second", if_absent=True))

    assert call(store.read("key")).body == b"first"


@pytest.mark.parametrize(
    ("start", "size", "expected"),
    [
        (0, 4, b"0123"),
        (3, 4, b"3456"),
        (9, 1, b"9"),
        (7, 100, b"789"),
        (7, None, b"789"),
        (5, 0, b""),
        (10, 5, b""),
        (10, None, b""),
    ],
)
def test_a_range_is_read(store: Store, start: int, size: int | None, expected: bytes) -> None:
    call(store.write("key", b"0123456789"))

    piece = call(store.read("key", start=start, size=size))

    assert (piece.body, piece.found.entry.size) == (expected, 10)


def test_nothing_is_read_of_an_empty_object(store: Store) -> None:
    call(store.write("key", b""))

    assert call(store.read("key", start=0, size=100)).body == b""


@pytest.mark.parametrize("size", [None, 2, 0])
def test_reading_another_version_than_asked_for_is_an_error(store: Store, size: int | None) -> None:
    call(store.write("key", b"before"))
    etag = call(store.stat("key")).entry.pin
    call(store.write("key", b"after!"))

    with pytest.raises(Changed):
        call(store.read("key", size=size, etag=etag))


@pytest.mark.parametrize("size", [None, 2])
def test_reading_the_version_that_was_asked_for_succeeds(store: Store, size: int | None) -> None:
    call(store.write("key", b"bytes"))
    etag = call(store.stat("key")).entry.pin

    assert call(store.read("key", size=size, etag=etag)).body == b"bytes"[:size]


@pytest.mark.parametrize("key", ["missing", "folder", "folder/", "folder/k", "folder/key/below"])
def test_what_is_missing_is_not_found_and_named(store: Store, key: str) -> None:
    call(store.write("folder/key", b"bytes"))

    with pytest.raises(NotFound) as told:
        call(store.stat(key))
    assert told.value.key == key
    assert str(told.value).startswith(f"{store.name}{key}: ")

    with pytest.raises(NotFound):
        call(store.read(key))
    with pytest.raises(NotFound):
        call(store.read(key, start=3, size=5))


def test_deleted_is_gone_and_deleting_again_is_a_success(store: Store) -> None:
    call(store.write("folder/key", b"bytes"))
    call(store.write("folder/other", b"bytes"))

    for _ in range(2):
        call(store.delete("folder/key"))

    assert keys(store) == ["folder/other"]
    with pytest.raises(NotFound):
        call(store.stat("folder/key"))


def test_many_are_deleted_and_the_absent_are_no_failure(store: Store) -> None:
    for key in ("a", "b/c", "b/d", "e & <f>"):
        call(store.write(key, b"bytes"))

    assert call(store.delete_many(["a", "never/was", "b/c", "e & <f>"])) == {}

    assert keys(store) == ["b/d"]


def test_deleting_none_is_a_success(store: Store) -> None:
    assert call(store.delete_many([])) == {}


def test_content_headers_are_kept(store: Store) -> None:
    call(store.write("key", b"bytes", attributes=Attributes(headers=HEADERS)))

    for found in (call(store.stat("key")), call(store.read("key")).found):
        assert {name: found.attributes.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(
    "value", ["plain", "with  two blanks", "äöü € 😀", "a,b;c=d", "=?utf-8?q?x?=", ""]
)
def test_metadata_is_kept(store: Store, value: str) -> None:
    metadata = {"owner-name": value, "rank": "7"}

    call(store.write("key", b"bytes", attributes=Attributes(metadata=metadata)))

    found = call(store.stat("key"))
    assert {name: found.attributes.metadata.get(name) for name in metadata} == metadata


def test_the_time_of_a_file_is_kept_to_the_nanosecond(store: Store) -> None:
    metadata = {"mtime": "1700000000.123456789"}

    call(store.write("key", b"bytes", attributes=Attributes(metadata=metadata)))

    assert call(store.stat("key")).attributes.metadata["mtime"] == metadata["mtime"]


def test_a_write_replaces_the_attributes_too(store: Store) -> None:
    call(store.write("key", b"bytes", attributes=Attributes(metadata={"color": "red"})))
    call(store.write("key", b"bytes"))

    assert "color" not in call(store.stat("key")).attributes.metadata


TAGS = {"stage": "cold", "wer/was": "ä + b=c", "empty": ""}


def test_tags_are_kept(store: Store) -> None:
    call(store.write("key", b"bytes", attributes=Attributes(tags=TAGS)))

    assert call(store.tags("key")) == TAGS


def test_tags_are_never_lost_in_silence(store: Store) -> None:
    try:
        call(store.write("key", b"bytes", attributes=Attributes(tags=TAGS)))
    except Unholdable:
        assert not store.able.tags
    else:
        assert call(store.tags("key")) == TAGS


def test_many_flows_at_once_do_not_disturb_each_other(store: Store) -> None:
    bodies = {f"folder-{number % 7}/{number}": b"x" * number for number in range(60)}

    def all_of_them() -> Flow[list[Piece]]:
        yield Together([store.write(key, body) for key, body in bodies.items()], width=16)
        return (yield Together([store.read(key) for key in bodies], width=16))

    assert [piece.body for piece in call(all_of_them())] == list(bodies.values())


def test_an_error_says_where_and_never_the_secret(store: Store) -> None:
    with pytest.raises(StoreError) as told:
        call(store.read("missing\nkey"))

    assert str(told.value).startswith(f"{store.name}missing\\nkey: ")
    assert "demo-secret" not in repr(told.value) + str(told.value)
