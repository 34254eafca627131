"""Listings: pages of every make, and what may not be taken for an end."""

from __future__ import annotations

import pytest

from bucketline.errors import BadListing, Broken
from bucketline.model import Entry
from bucketline.stores.base import Page
from bucketline.stores.s3 import pages
from bucketline.stores.s3.markup import Torn
from s3_by_hand import Played, answer, header, store

ROOT = "http://127.0.0.1:9000/b"
START = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
)
STAMP = "<LastModified>2024-03-02T03:04:05.500Z</LastModified>"
SAVED = 1_709_348_645.5


def contents(key: str, size: int = 1, tier: str = "STANDARD") -> str:
    return (
        f"<Contents><Key>{key}</Key>{STAMP}<ETag>&quot;e&quot;</ETag>"
        f"<Size>{size}</Size><StorageClass>{tier}</StorageClass></Contents>"
    )


def page(*rows: str, cut: str = "false", more: str = "", coded: bool = True) -> str:
    coding = "<EncodingType>url</EncodingType>" if coded else ""
    return (
        f"{START}{coding}<KeyCount>{len(rows)}</KeyCount><IsTruncated>{cut}</IsTruncated>"
        f"{more}{''.join(rows)}</ListBucketResult>\n"
    )


def test_a_page_is_asked_for_and_read() -> None:
    body = page(
        contents("p/a%2Bb"),
        contents("p/c%20d", 5, "GLACIER"),
        cut="true",
        more="<NextContinuationToken>t&amp;1</NextContinuationToken>",
    )
    played = Played(store().page("p/", after="p/a"), answer(body=body))

    assert played.lines == [
        f"GET {ROOT}?encoding-type=url&list-type=2&max-keys=1000&prefix=p%2F&start-after=p%2Fa"
    ]
    assert played.requests[0].kind == "LIST"
    assert played.value == Page(
        [Entry("p/a+b", 1, SAVED, "e"), Entry("p/c d", 5, SAVED, "e", "", "GLACIER")], "2:t&1"
    )


def test_the_next_page_is_asked_for_by_its_token() -> None:
    played = Played(store().page("p", token="2:t +"), answer(body=page()))

    assert "continuation-token=t%20%2B&" in played.lines[0]
    assert played.value == Page([], "")


AWS = (
    "<Contents><Key>a</Key>" + STAMP + '<ETag>"e"</ETag>'
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
    "<Size>1</Size><Owner><ID>i</ID><DisplayName>d</DisplayName></Owner>"
    "<StorageClass>STANDARD_IA</StorageClass></Contents>"
)
WIDE = contents("a", 1, "STANDARD_IA").replace("&quot;", "").replace("><", ">\n    <")
SHUFFLED = (
    "<Contents><Size>1</Size><ETag>&quot;e&quot;</ETag><Key>a</Key>"
    + STAMP.replace("500Z", "500+00:00")
    + "<StorageClass>STANDARD_IA</StorageClass></Contents>"
)


@pytest.mark.parametrize("row", [AWS, WIDE, SHUFFLED, contents("a", 1, "STANDARD_IA")])
@pytest.mark.parametrize("counts", [True, False])
def test_pages_of_every_make_say_the_same(row: str, counts: bool) -> None:
    body = page(row)
    if not counts:
        body = body.replace("<KeyCount>1</KeyCount>", "")

    assert Played(store().page(), answer(body=body)).value.entries == [
        Entry("a", 1, SAVED, "e", "", "STANDARD_IA")
    ]


def test_one_odd_row_among_usual_ones_is_not_lost() -> None:
    body = page(contents("a"), SHUFFLED.replace(">a<", ">b<"), contents("c"))

    assert [entry.key for entry in Played(store().page(), answer(body=body)).value.entries] == [
        "a",
        "b",
        "c",
    ]


def test_a_namespace_prefix_goes_to_the_parser() -> None:
    body = (
        '<s:ListBucketResult xmlns:s="x"><s:IsTruncated>false</s:IsTruncated><s:Contents>'
        "<s:Key>a&amp;lt;</s:Key><s:Size>3</s:Size></s:Contents></s:ListBucketResult>"
    )

    assert Played(store().page(), answer(body=body)).value.entries == [Entry("a&lt;", 3)]


@pytest.mark.parametrize(
    ("coded", "told"),
    [
        ("%3Cx%3E", "<x>"),
        ("a%26lt%3B", "a&lt;"),
        ("a%0Ab%01", "a\nb\x01"),
        ("%F0%9F%98%80", "\U0001f600"),
        ("a%252Fb", "a%2Fb"),
    ],
)
def test_an_encoded_key_is_the_key(coded: str, told: str) -> None:
    body = page(contents("%20first"), contents(coded))

    assert Played(store().page(), answer(body=body)).value.entries[1].key == told


def test_a_server_that_does_not_encode_is_taken_by_its_word() -> None:
    body = page(contents("a%20b+c&amp;amp;&lt;"), coded=False)

    played = Played(store().page(), answer(body=body))
    assert played.value.entries[0].key == "a%20b+c&amp;<"


@pytest.mark.parametrize(("other", "expected"), [("x%2By", "a b"), ("x%20y", "a+b")])
def test_a_plus_means_what_the_page_shows_it_to_mean(other: str, expected: str) -> None:
    body = page(contents("a+b"), contents(other))

    assert Played(store().page(), answer(body=body)).value.entries[0].key == expected


@pytest.mark.parametrize(("echo", "expected"), [("%2B+", "a b"), ("+%20", "a+b")])
def test_a_plus_in_doubt_is_asked_for_once(echo: str, expected: str) -> None:
    place, body = store(), page(contents("a+b"))
    told = page(more=f"<Prefix>{echo}</Prefix>")

    first = Played(place.page(), answer(body=body), answer(body=told))
    second = Played(place.page(), answer(body=body))

    assert "max-keys=1&prefix=%2B%20" in first.lines[1]
    assert [first.value.entries[0].key, second.value.entries[0].key] == [expected, expected]


def test_a_key_that_is_not_text_is_a_bad_listing() -> None:
    with pytest.raises(BadListing):
        Played(store().page(), answer(body=page(contents("%FF"))))


@pytest.mark.parametrize(
    "body",
    [page(contents("a"))[:-25], page(contents("a"))[:100], "", "<html>hello</html>", START],
)
def test_a_torn_page_is_broken_and_never_an_end(body: str) -> None:
    with pytest.raises(Broken):
        Played(store().page(), answer(body=body))


@pytest.mark.parametrize(
    "body",
    [
        page(contents("a")).replace("<IsTruncated>false</IsTruncated>", ""),
        page(cut="true"),
        page(contents("outside"), cut="false"),
    ],
)
def test_a_listing_that_cannot_be_followed_or_trusted_is_bad(body: str) -> None:
    with pytest.raises(BadListing):
        Played(store().page("p/"), answer(body=body))


def test_a_token_that_comes_again_is_a_bad_listing() -> None:
    again = page(contents("a"), cut="true", more="<NextContinuationToken>t</NextContinuationToken>")

    with pytest.raises(BadListing):
        Played(store().page(token="2:t"), answer(body=again))


def old(*rows: str, cut: str = "false", more: str = "") -> str:
    return f"{START}<IsTruncated>{cut}</IsTruncated>{more}{''.join(rows)}</ListBucketResult>"


def test_a_server_that_knows_only_the_old_listing_is_followed_by_markers() -> None:
    place = store()
    first = old(contents("a"), contents("b"), cut="true")
    played = Played(place.page(after="0"), answer(body=first), answer(body=first))
    rest = Played(place.page(token=played.value.token), answer(body=old(contents("c"))))

    assert played.lines[1] == f"GET {ROOT}?encoding-type=url&marker=0&max-keys=1000&prefix="
    assert (played.value.token, [entry.key for entry in played.value.entries]) == (
        "1:b",
        ["a", "b"],
    )
    assert "marker=b" in rest.lines[0]
    assert rest.value == Page([Entry("c", 1, SAVED, "e")], "")


def test_an_old_listing_that_stands_still_is_bad() -> None:
    stuck = old(contents("a"), cut="true", more="<NextMarker>a</NextMarker>")

    with pytest.raises(BadListing):
        Played(store().page(token="1:a"), answer(body=stuck))
    with pytest.raises(BadListing):
        Played(store().page(token="1:a"), answer(body=old(cut="true")))


def test_what_is_not_after_the_start_is_left_out() -> None:
    body = page(contents("a"), contents("b"), contents("c"))

    played = Played(store().page(after="b"), answer(body=body))
    assert [entry.key for entry in played.value.entries] == ["c"]


def test_versions_and_delete_markers_are_told_apart() -> None:
    body = (
        "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        "<NextKeyMarker>a%20b</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>"
        "<DeleteMarker><Key>a%20b</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest>"
        f"{STAMP}</DeleteMarker>"
        "<Version><Key>a%20b</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest>"
        f"{STAMP}<ETag>&quot;e&quot;</ETag><Size>3</Size><StorageClass>STANDARD</StorageClass>"
        "</Version></ListVersionsResult>"
    )
    place = store()
    played = Played(place.versions("a"), answer(body=body))
    marker, version = played.value.versions

    assert (marker.is_delete_marker, marker.is_latest, marker.entry.version) == (True, True, "v2")
    assert version.entry == Entry("a b", 3, SAVED, "e", "v1")
    with pytest.raises(BadListing):
        Played(place.versions("a", token=played.value.token), answer(body=body))


def test_a_page_is_not_searched_for_document_types() -> None:
    with pytest.raises(Torn):
        pages.parsed(b'<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult/>')


def test_a_listing_is_signed() -> None:
    played = Played(store().page(), answer(body=page()))

    assert "/eu-west-1/s3/aws4_request" in header(played.requests[0], "Authorization")
