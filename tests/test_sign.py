"""Signature version 4 against Amazon's published examples and against botocore."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.settings import Keys, Secret
from bucketline.stores.s3.sign import EMPTY, UNSIGNED, Signer, encoded_path, encoded_query

# The example keys of Amazon's documentation; in halves, so that no scanner takes them for real.
EXAMPLE = Keys("AKIAIOSFODNN" + "7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"))
MAY_24 = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
HOST = "examplebucket.s3.amazonaws.com"


def signature(lines: list[str]) -> str:
    return next(line for line in lines if line.startswith("Authorization")).rpartition("=")[2]


@pytest.mark.parametrize(
    ("what", "headers", "payload", "expected"),
    [
        (
            "GET\n/test.txt\n",
            {"range": "bytes=0-9"},
            EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT\n/test%24file.text\n",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            sha256(b"Welcome to Amazon S3.").hexdigest(),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET\n/\nlifecycle=",
            {},
            EMPTY,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET\n/\nmax-keys=2&prefix=J",
            {},
            EMPTY,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_headers_are_signed_as_in_the_published_examples(
    what: str, headers: dict[str, str], payload: str, expected: str
) -> None:
    lines = Signer(EXAMPLE, "us-east-1").headers(what, {"host": HOST, **headers}, payload, MAY_24)

    assert signature(lines) == expected


def test_a_url_is_presigned_as_in_the_published_example() -> None:
    query = Signer(EXAMPLE, "us-east-1").presigned(
        "GET", HOST, "/test.txt", query={}, now=MAY_24, seconds=86_400
    )

    assert query.endswith(
        "X-Amz-Signature="  # In halves: no scanner shall take the published example for a leak.
        "aeeed9bbccd4d02ee5c0109b86d86835"
        "f995330da4c265957d157751f604d404"
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a//b", "a//b"),
        ("/x", "/x"),
        ("../x", "../x"),
        ("./", "./"),
        ("trailing/", "trailing/"),
        ("a\nb\r\x01", "a%0Ab%0D%01"),
        ("\U0001f600 +", "%F0%9F%98%80%20%2B"),
        ("%2F", "%252F"),
        ("~!*'()", "~%21%2A%27%28%29"),
        ("x" * 1024, "x" * 1024),
    ],
)
def test_a_key_becomes_a_path_byte_for_byte(key: str, expected: str) -> None:
    assert encoded_path(key) == expected


def test_a_query_is_sorted_by_its_encoded_names() -> None:
    assert encoded_query({"b": "1 +/", "B": "", "a-": "~"}) == "B=&a-=~&b=1%20%2B%2F"


def test_a_new_day_and_a_new_second_make_new_signatures() -> None:
    signer = Signer(EXAMPLE, "us-east-1")
    fresh = Signer(EXAMPLE, "us-east-1")

    signer.headers("GET\n/\n", {"host": HOST}, EMPTY, MAY_24)
    next_day = signer.headers("GET\n/\n", {"host": HOST}, EMPTY, MAY_24 + 86_401)

    assert next_day == fresh.headers("GET\n/\n", {"host": HOST}, EMPTY, MAY_24 + 86_401)


def test_a_signer_does_not_show_its_keys() -> None:
    signer = Signer(EXAMPLE, "us-east-1")
    signer.headers("GET\n/\n", {"host": HOST}, EMPTY, MAY_24)

    assert "bPxRfiCY" not in repr(signer)
    assert "b'" not in repr(signer._moment)


keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.strip)
words = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
tokens = st.sampled_from(["", "demo-token/+=="])


NOW = datetime(2013, 5, 24, 1, 2, 3, tzinfo=UTC).timestamp()


def freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    naive = datetime(2013, 5, 24, 1, 2, 3)  # noqa: DTZ001 - as botocore has it.
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: naive)


@settings(max_examples=200)
@given(key=keys, query=st.dictionaries(words, keys, max_size=3), token=tokens, metadata=values)
def test_headers_are_signed_as_botocore_signs_them(
    key: str, query: dict[str, str], token: str, metadata: str
) -> None:
    path, coded = "/bucket/" + encoded_path(key), encoded_query(query)
    url = f"http://127.0.0.1:9000{path}" + (f"?{coded}" if coded else "")
    request = AWSRequest("PUT", url, {"x-amz-meta-a": metadata, "Content-MD5": "abc=="}, b"body")
    known = Credentials("demo-access", "demo-secret-not-real", token or None)
    with pytest.MonkeyPatch.context() as monkeypatch:
        freeze(monkeypatch)
        botocore.auth.S3SigV4Auth(known, "s3", "eu-west-1").add_auth(request)

    ours = Signer(Keys("demo-access", Secret("demo-secret-not-real"), Secret(token)), "eu-west-1")
    headers = {"host": "127.0.0.1:9000", "x-amz-meta-a": metadata, "content-md5": "abc=="}
    lines = ours.headers(
        f"PUT\n{path}\n{coded}", headers, request.headers["X-Amz-Content-SHA256"], NOW
    )

    assert lines[-1] == f"Authorization: {request.headers['Authorization']}"


@settings(max_examples=100)
@given(key=keys, token=tokens, version=keys)
def test_urls_are_presigned_as_botocore_presigns_them(key: str, token: str, version: str) -> None:
    path = "/bucket/" + encoded_path(key)
    query = {"versionId": version}
    request = AWSRequest("GET", f"http://127.0.0.1:9000{path}?{encoded_query(query)}")
    known = Credentials("demo-access", "demo-secret-not-real", token or None)
    with pytest.MonkeyPatch.context() as monkeypatch:
        freeze(monkeypatch)
        botocore.auth.S3SigV4QueryAuth(known, "s3", "eu-west-1", expires=60).add_auth(request)

    ours = Signer(Keys("demo-access", Secret("demo-secret-not-real"), Secret(token)), "eu-west-1")
    coded = ours.presigned("GET", "127.0.0.1:9000", path, query=query, now=NOW, seconds=60)

    theirs = urlsplit(request.url).query
    assert dict(parse_qsl(coded)) == dict(parse_qsl(theirs))


def test_an_unsigned_payload_is_said_in_the_headers() -> None:
    lines = Signer(EXAMPLE, "us-east-1").headers("PUT\n/a\n", {"host": HOST}, UNSIGNED, MAY_24)

    assert "x-amz-content-sha256: UNSIGNED-PAYLOAD" in lines
