"""Objects: what is asked of the server, and what is made of its answers."""

from __future__ import annotations

from hashlib import md5

import pytest

from bucketline.errors import (
    Broken,
    Changed,
    Conflict,
    Mismatch,
    NeedsThaw,
    NotFound,
    ServerFault,
    Unholdable,
    Unsupported,
)
from bucketline.model import Attributes, Entry
from bucketline.stores.base import Answer, Receipt
from s3_by_hand import Played, answer, header, refused, store

ROOT = "http://127.0.0.1:9000/b"
MARCH = "Sat, 02 Mar 2024 03:04:05 GMT"
TAGS = "<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a//b", "/a//b"),
        ("/x", "//x"),
        ("../x", "/../x"),
        ("./", "/./"),
        ("n\nl +", "/n%0Al%20%2B"),
        ("\U0001f600", "/%F0%9F%98%80"),
    ],
)
def test_a_hostile_key_goes_byte_for_byte_into_the_url(key: str, path: str) -> None:
    played = Played(store().read(key), answer(body=b"x", etag='"e"', last_modified=MARCH))

    assert played.lines == [f"GET {ROOT}{path}"]


@pytest.mark.parametrize("key", ["", "\ud800"])
def test_a_key_that_no_url_can_carry_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(Unholdable):
        Played(store().delete(key))


def test_a_write_sends_its_md5_and_its_attributes() -> None:
    attributes = Attributes(
        {"content-type": "text/plain", "cache-control": "no-cache"},
        {"name": "Zürich", "plain": "1.5", "empty": ""},
        tier="GLACIER",
    )
    played = Played(
        store().write("k", b"body", attributes=attributes, md5=md5(b"body").digest()),
        answer(etag='"841a2d689ad86bd1611447453c22c6fc"', x_amz_version_id="v1"),
    )

    request = played.requests[0]
    assert played.value == Receipt("841a2d689ad86bd1611447453c22c6fc", "v1", {})
    assert (request.kind, request.body) == ("PUT", b"body")
    assert header(request, "content-md5") == "hBotaJrYa9FhFEdFPCLG/A=="
    assert header(request, "content-type") == "text/plain"
    assert header(request, "x-amz-meta-name") == "=?UTF-8?B?WsO8cmljaA==?="
    assert header(request, "x-amz-meta-plain") == "1.5"
    assert "x-amz-meta-empty;" in request.headers
    assert header(request, "x-amz-storage-class") == "GLACIER"
    assert header(request, "x-amz-content-sha256") == "UNSIGNED-PAYLOAD"


def test_a_write_computes_an_md5_that_it_was_not_given() -> None:
    played = Played(store().write("k", b"body"), answer(etag='"e"'))

    assert header(played.requests[0], "content-md5") == "hBotaJrYa9FhFEdFPCLG/A=="


def test_a_header_that_would_break_the_line_is_refused() -> None:
    attributes = Attributes({"cache-control": "x\r\nhost: evil"})

    with pytest.raises(Unholdable):
        Played(store().write("k", b"", attributes=attributes))


def test_metadata_comes_back_as_it_went() -> None:
    played = Played(
        store().stat("k"),
        answer(
            content_length="7",
            last_modified=MARCH,
            etag='"e"',
            x_amz_meta_name="=?UTF-8?B?WsO8cmljaA==?=",
            x_amz_meta_odd="=?UTF-8?B?cGxhaW4=?=",
            x_amz_tagging_count="2",
            x_amz_storage_class="GLACIER",
            x_amz_checksum_crc64nvme="AAAAAAAAAAA=",
            content_encoding="gzip",
        ),
    )

    found = played.value
    assert found.entry == Entry("k", 7, 1_709_348_645.0, "e", "", "GLACIER")
    assert found.attributes.metadata == {"name": "Zürich", "odd": "=?UTF-8?B?cGxhaW4=?="}
    assert found.attributes.headers == {"content-encoding": "gzip"}
    assert (found.tag_count, found.archived) == (2, True)
    assert found.checksums == {"crc64nvme": "AAAAAAAAAAA="}


def test_a_thawed_object_is_not_archived_and_a_composed_checksum_says_so() -> None:
    played = Played(
        store().stat("k"),
        answer(
            x_amz_storage_class="GLACIER",
            x_amz_restore='ongoing-request="false", expiry-date="Fri, 21 Dec 2040 00:00:00 GMT"',
            x_amz_checksum_crc32c="AAAAAA==-3",
        ),
    )

    assert not played.value.archived
    assert played.value.checksums == {"crc32c": "AAAAAA==-3"}


def test_a_range_is_asked_for_and_checked() -> None:
    played = Played(
        store().read("k", start=2, size=3, etag="e"),
        answer(206, b"cde", content_range="bytes 2-4/10", etag='"e"'),
    )

    assert header(played.requests[0], "range") == "bytes=2-4"
    assert header(played.requests[0], "if-match") == '"e"'
    assert (played.value.body, played.value.found.entry.size) == (b"cde", 10)


def test_a_server_that_ignores_ranges_is_cut_to_size() -> None:
    played = Played(store().read("k", start=2, size=3), answer(200, b"abcdefghij"))

    assert (played.value.body, played.value.found.entry.size) == (b"cde", 10)


@pytest.mark.parametrize(
    "came",
    [
        answer(206, b"cd", content_range="bytes 2-4/10"),
        answer(206, b"cd", content_range="bytes 2-3/10"),
        answer(206, b"abc", content_range="bytes 0-2/10"),
        answer(200, b"abc", content_length="10"),
    ],
)
def test_a_short_or_other_piece_is_broken(came: Answer) -> None:
    with pytest.raises(Broken):
        Played(store().read("k", start=2, size=3), came)


def test_an_object_that_changed_is_told_even_by_a_server_that_ignores_conditions() -> None:
    with pytest.raises(Changed):
        Played(store().read("k", etag="old"), answer(200, b"x", etag='"new"'))
    with pytest.raises(Changed):
        Played(store().read("k", etag="old"), refused(412, "PreconditionFailed"))


def test_reading_from_the_end_on_gives_nothing() -> None:
    played = Played(
        store().read("k", start=10, size=5),
        refused(416, "InvalidRange"),
        answer(content_length="10", etag='"e"'),
    )

    assert (played.value.body, played.value.found.entry.size) == (b"", 10)


def test_archived_bytes_need_a_thaw() -> None:
    with pytest.raises(NeedsThaw):
        Played(store().read("k"), refused(403, "InvalidObjectState"))


def test_if_absent_looks_first_where_the_condition_is_not_proven() -> None:
    with pytest.raises(Conflict):
        Played(store().write("k", b"", if_absent=True), answer(content_length="1"))

    played = Played(store().write("k", b"", if_absent=True), answer(404), answer(etag='"e"'))
    assert header(played.requests[1], "if-none-match") == "*"


def test_damage_on_the_way_is_a_mismatch() -> None:
    with pytest.raises(Mismatch):
        Played(store().write("k", b"body"), refused(400, "BadDigest"))


def test_deleting_what_is_gone_is_a_success() -> None:
    assert Played(store().delete("k"), refused(404, "NoSuchKey")).value is None
    assert Played(store().delete("k", version="v +"), answer(204)).lines == [
        f"DELETE {ROOT}/k?versionId=v%20%2B"
    ]


def test_a_copy_names_its_source_encoded_and_guarded() -> None:
    source = Entry("a +/ü", 5, etag="e", version="v1")
    played = Played(
        store().copy("k", "from", source),
        answer(body="<CopyObjectResult><ETag>&quot;n&quot;</ETag></CopyObjectResult>"),
    )

    assert header(played.requests[0], "x-amz-copy-source") == "/from/a%20%2B/%C3%BC?versionId=v1"
    assert header(played.requests[0], "x-amz-copy-source-if-match") == '"e"'
    assert (played.requests[0].kind, played.value.etag) == ("POST", "n")


def test_an_error_in_the_body_of_a_success_is_an_error() -> None:
    with pytest.raises(ServerFault):
        Played(store().copy("k", "from", Entry("a", 1)), refused(200, "InternalError"))
    with pytest.raises(Broken):
        Played(store().copy("k", "from", Entry("a", 1)), answer(200, "<CopyObj"))
    with pytest.raises(Unsupported):
        Played(store().copy("k", "from", Entry("a", 1)), answer(200, etag='"of nothing"'))


def test_tags_are_not_set_before_the_server_has_shown_that_it_knows_them() -> None:
    with pytest.raises(Unsupported):
        Played(store().set_tags("k", {"a": "b"}), answer(200, b"the object's bytes", etag='"e"'))
    with pytest.raises(Unsupported):
        Played(store().clear_tags("k"), answer(200, TAGS, etag='"an object like tags"'))

    played = Played(store().set_tags("k", {"a": "<&>"}), answer(200, TAGS), answer())
    assert played.lines == [f"GET {ROOT}/k?tagging=", f"PUT {ROOT}/k?tagging="]
    assert b"<Key>a</Key><Value>&lt;&amp;&gt;</Value>" in bytes(played.requests[1].body)


def test_a_write_with_tags_is_proven_by_reading_them() -> None:
    attributes = Attributes(tags={"k": "v"})

    place = store()
    Played(place.write("o", b"", attributes=attributes), answer(), answer(200, TAGS))
    assert place.able.tags

    for told in ([answer(), answer(501)], [refused(501, "NotImplemented")]):
        place = store()
        with pytest.raises(Unholdable):
            Played(place.write("o", b"", attributes=attributes), *told)
        assert not place.able.tags


def test_a_delete_marker_is_no_object() -> None:
    with pytest.raises(NotFound):
        Played(store().stat("k", version="v"), answer(405, x_amz_delete_marker="true"))


def test_a_presigned_url_carries_a_signature_and_no_secret() -> None:
    url = Played(store().presigned("GET", "a b", 60)).value

    assert url.startswith(f"{ROOT}/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "demo-secret-not-real" not in url
