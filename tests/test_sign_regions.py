"""Signature version 4A, which holds a random number, against the signer of Amazon's own runtime."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from awscrt import auth, http
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.s3.endpoint import place_of
from bucketline.stores.s3.sign import UNSIGNED, Signer, encoded_path, encoded_query
from bucketline.stores.s3.sign_regions import RegionsSigner, key_of, text_to_sign
from bucketline.stores.s3.signers import signer_of

HOST = "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"
ARN = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
MOMENT = datetime(2013, 5, 24, 1, 2, 3, tzinfo=UTC)
NOW = MOMENT.timestamp()
SCOPE = "20130524/s3/aws4_request"
PLAIN = Keys("demo-access", Secret("demo-secret-not-real"))

keys_of_objects = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
words = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
tokens = st.sampled_from(["", "demo-token/+=="])
secrets = st.from_regex(r"[A-Za-z0-9/+]{1,40}", fullmatch=True)


def verify(keys: Keys, canonical: str, signature: str) -> None:
    """Raises `InvalidSignature` unless these keys signed that."""
    text = text_to_sign("20130524T010203Z", SCOPE, canonical).encode()
    public = key_of(keys).public_key()
    public.verify(bytes.fromhex(signature), text, ec.ECDSA(SHA256()))


def by_runtime(
    keys: Keys, path: str, headers: dict[str, str], *, how: auth.AwsSignatureType, seconds: int = 0
) -> http.HttpRequest:
    """The request as Amazon's runtime signs it."""
    token = keys.session_token.reveal or None
    provider = auth.AwsCredentialsProvider.new_static(
        keys.access_key, keys.secret_key.reveal, token
    )
    is_header = how is auth.AwsSignatureType.HTTP_REQUEST_HEADERS
    told = (
        auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256
        if is_header
        else auth.AwsSignedBodyHeaderType.NONE
    )
    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4_ASYMMETRIC,
        signature_type=how,
        credentials_provider=provider,
        region="*",
        service="s3",
        date=MOMENT,
        use_double_uri_encode=False,
        should_normalize_uri_path=False,
        signed_body_value=UNSIGNED,
        signed_body_header_type=told,
        expiration_in_seconds=seconds or None,
    )
    request = http.HttpRequest("PUT", path, http.HttpHeaders(list(headers.items())))
    signed: http.HttpRequest = auth.aws_sign_request(request, config).result(timeout=30)
    return signed


def canonical(path: str, query: str, headers: dict[str, str]) -> str:
    """The canonical request, from the published description alone."""
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    return f"PUT\n{path}\n{query}\n{lines}\n{';'.join(names)}\n{UNSIGNED}"


def parted(said: str) -> dict[str, str]:
    """Algorithm and parts of an Authorization header."""
    algorithm, _, rest = said.partition(" ")
    return {"Algorithm": algorithm} | dict(part.split("=", 1) for part in rest.split(", "))


@settings(max_examples=60)
@given(
    key=keys_of_objects,
    query=st.dictionaries(words, keys_of_objects, max_size=2),
    token=tokens,
    secret=secrets,
)
def test_ours_and_amazons_signature_are_of_the_same_request_by_the_same_key(
    *, key: str, query: dict[str, str], token: str, secret: str
) -> None:
    keys = Keys("demo-access", Secret(secret), Secret(token))
    path, coded = "/" + encoded_path(key), encoded_query(query)
    given_headers = {"host": HOST, "content-md5": "abc=="}

    what = f"PUT\n{path}\n{coded}"
    lines = RegionsSigner(keys).headers(what, dict(given_headers), UNSIGNED, NOW)
    sent = dict(line.split(": ", 1) for line in lines)
    whole = f"{path}?{coded}" if coded else path
    how = auth.AwsSignatureType.HTTP_REQUEST_HEADERS
    signed = by_runtime(keys, whole, given_headers, how=how)
    told = {name.lower(): value for name, value in signed.headers}

    ours, theirs = parted(sent.pop("Authorization")), parted(told.pop("authorization"))
    assert sent == told
    text = canonical(path, coded, sent)
    verify(keys, text, ours.pop("Signature"))
    verify(keys, text, theirs.pop("Signature"))
    assert ours == theirs


@settings(max_examples=30)
@given(key=keys_of_objects, token=tokens)
def test_urls_are_presigned_as_amazons_runtime_presigns_them(*, key: str, token: str) -> None:
    keys = Keys("demo-access", Secret("demo-secret-not-real"), Secret(token))
    path = "/" + encoded_path(key)
    ours = dict(
        parse_qsl(
            RegionsSigner(keys).presigned(
                "PUT", HOST, path, query={"versionId": "v+"}, now=NOW, seconds=60
            )
        )
    )
    how = auth.AwsSignatureType.HTTP_REQUEST_QUERY_PARAMS
    signed = by_runtime(keys, f"{path}?versionId=v%2B", {"host": HOST}, how=how, seconds=60)
    theirs = dict(parse_qsl(signed.path.partition("?")[2]))

    mine, other = ours.pop("X-Amz-Signature"), theirs.pop("X-Amz-Signature")
    assert ours == theirs
    text = f"PUT\n{path}\n{encoded_query(ours)}\nhost:{HOST}\n\nhost\n{UNSIGNED}"
    verify(keys, text, mine)
    verify(keys, text, other)


def test_another_secret_or_another_request_does_not_verify() -> None:
    lines = RegionsSigner(PLAIN).headers("PUT\n/a\n", {"host": HOST}, UNSIGNED, NOW)
    sent = dict(line.split(": ", 1) for line in lines)
    signature = parted(sent.pop("Authorization"))["Signature"]

    verify(PLAIN, canonical("/a", "", sent), signature)
    with pytest.raises(InvalidSignature):
        verify(PLAIN, canonical("/b", "", sent), signature)
    with pytest.raises(InvalidSignature):
        verify(Keys("demo-access", Secret("other")), canonical("/a", "", sent), signature)


def test_a_new_day_is_another_scope() -> None:
    signer = RegionsSigner(PLAIN)
    said = [
        parted(signer.headers("GET\n/\n", {"host": HOST}, UNSIGNED, now)[-1].split(": ", 1)[1])
        for now in (NOW, NOW + 86_400)
    ]

    assert [one["Credential"] for one in said] == [
        "demo-access/20130524/s3/aws4_request",
        "demo-access/20130525/s3/aws4_request",
    ]


def test_only_a_place_of_every_region_is_signed_for_so() -> None:
    kinds: list[Any] = [
        type(signer_of(PLAIN, place_of(Remote(), bucket))) for bucket in ("bucket", ARN)
    ]

    assert kinds == [Signer, RegionsSigner]


def test_a_signer_does_not_show_its_keys() -> None:
    assert "demo-secret" not in repr(RegionsSigner(PLAIN))
