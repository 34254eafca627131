"""Refusals: every cause with its remedy, what is corrected and asked again, no secret in any."""

from __future__ import annotations

import pytest

from bucketline import errors
from bucketline.clock import FakeClock
from bucketline.settings import Keys, Secret
from bucketline.stores.base import Answer
from s3_by_hand import KEYS, START, Played, answer, header, refused, store

ROOT = "http://127.0.0.1:9000/b"
OK = answer(body=b"x", content_length="1", etag='"e"')


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (404, "NoSuchKey", errors.NotFound),
        (404, "NoSuchVersion", errors.NotFound),
        (404, "", errors.NotFound),
        (404, "NoSuchBucket", errors.NoBucket),
        (403, "AccessDenied", errors.Denied),
        (403, "", errors.Denied),
        (401, "", errors.BadCredentials),
        (403, "InvalidAccessKeyId", errors.BadCredentials),
        (403, "SignatureDoesNotMatch", errors.BadCredentials),
        (400, "ExpiredToken", errors.ExpiredCredentials),
        (503, "SlowDown", errors.Busy),
        (503, "", errors.Busy),
        (429, "", errors.Busy),
        (409, "OperationAborted", errors.Busy),
        (500, "InternalError", errors.ServerFault),
        (502, "", errors.ServerFault),
        (504, "", errors.ServerFault),
        (400, "RequestTimeout", errors.Broken),
        (400, "IncompleteBody", errors.Broken),
        (400, "BadDigest", errors.Mismatch),
        (412, "PreconditionFailed", errors.Conflict),
        (409, "", errors.Conflict),
        (403, "InvalidObjectState", errors.NeedsThaw),
        (400, "EntityTooLarge", errors.TooLarge),
        (413, "", errors.TooLarge),
        (501, "NotImplemented", errors.Unsupported),
        (405, "MethodNotAllowed", errors.Unsupported),
        (400, "KeyTooLongError", errors.Unholdable),
        (400, "InvalidTag", errors.Unholdable),
        (507, "XMinioStorageFull", errors.NoRoom),
        (400, "SomethingNew", errors.BadRequest),
    ],
)
def test_a_refusal_is_told_by_cause(status: int, code: str, cause: type[errors.StoreError]) -> None:
    with pytest.raises(errors.StoreError) as caught:
        Played(store().write("k", b""), refused(status, code) if code else answer(status))

    assert type(caught.value) is cause
    assert caught.value.key == "k"


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (403, "AccessDenied", errors.BucketDenied),
        (404, "", errors.NoBucket),
        (404, "NoSuchBucket", errors.NoBucket),
    ],
)
def test_a_refusal_of_the_bucket_stops_the_run(
    status: int, code: str, cause: type[errors.StoreError]
) -> None:
    with pytest.raises(cause) as caught:
        Played(store().page(), refused(status, code))

    assert caught.value.remedy is errors.Remedy.STOP


def test_an_error_names_place_advice_words_and_request() -> None:
    with pytest.raises(errors.Denied) as caught:
        Played(
            store().write("a\nb", b""),
            refused(403, "AccessDenied", "No &lt;way&gt;", x_amz_request_id="R1", x_amz_id_2="I2"),
        )

    assert str(caught.value) == (
        "s3://b/a\\nb: not allowed; ask for the permission on this object "
        "(AccessDenied: No <way>) (http://127.0.0.1:9000, request R1)"
    )


@pytest.mark.parametrize(
    "told",
    [
        "see http://h/b/k?X-Amz-Signature=00ff",
        "Signature=00ff in Authorization",
        "your token demo-token is bad",
        "your secret demo-secret-not-real is bad",
    ],
)
def test_words_that_may_hold_a_secret_are_withheld(told: str) -> None:
    keys = Keys("demo-access", Secret("demo-secret-not-real"), Secret("demo-token"))
    with pytest.raises(errors.BadRequest) as caught:
        Played(store(keys=lambda: keys).write("k", b""), refused(400, "Odd", told))

    for secret in ("00ff", "demo-token", "demo-secret"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("header_value", "expected"),
    [("7", 7.0), ("Tue, 14 Nov 2023 22:13:35 GMT", 15.0), ("999999", 3600.0), ("soon", 0.0)],
)
def test_retry_after_is_read_as_seconds(header_value: str, expected: float) -> None:
    with pytest.raises(errors.Busy) as caught:
        Played(store().write("k", b""), refused(503, "SlowDown", retry_after=header_value))

    assert caught.value.retry_after_seconds == expected


def test_a_clock_that_is_far_off_is_corrected_from_the_first_answer() -> None:
    place = store(clock=FakeClock(10_000.0))
    first = Played(place.stat("k"), refused(403, "RequestTimeTooSkewed"), OK)
    second = Played(place.stat("k"), OK)

    assert header(first.requests[0], "x-amz-date") == "19700101T024640Z"
    assert header(first.requests[1], "x-amz-date") == "20231114T221320Z"
    assert header(second.requests[0], "x-amz-date") == "20231114T221320Z"


def test_a_clock_is_learnt_even_from_a_good_answer() -> None:
    place = store(clock=FakeClock(START + 600))
    Played(place.stat("k"), OK)

    assert header(Played(place.stat("k"), OK).requests[0], "x-amz-date") == "20231114T221320Z"


def test_a_skew_that_stays_is_told() -> None:
    with pytest.raises(errors.ClockSkew, match=r"set this machine's .*; the server's is \d+ h"):
        Played(
            store(clock=FakeClock(10_000.0)).write("k", b""),
            refused(403, "RequestTimeTooSkewed"),
            refused(403, "RequestTimeTooSkewed"),
        )


@pytest.mark.parametrize(
    "elsewhere",
    [
        answer(301, x_amz_bucket_region="us-west-2"),
        answer(400, x_amz_bucket_region="us-west-2"),
        answer(
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>",
        ),
        answer(307, location="https://b.s3.us-west-2.amazonaws.com/k"),
        answer(
            301,
            "<Error><Code>PermanentRedirect</Code>"
            "<Endpoint>b.s3-us-west-2.amazonaws.com</Endpoint></Error>",
        ),
    ],
)
def test_the_right_region_of_amazon_is_followed_and_remembered(elsewhere: Answer) -> None:
    place = store("bkt", endpoints=())
    played = Played(place.read("k"), elsewhere, OK)

    assert played.lines == [
        "GET https://bkt.s3.eu-west-1.amazonaws.com/k",
        "GET https://bkt.s3.us-west-2.amazonaws.com/k",
    ]
    assert "/us-west-2/s3/" in header(played.requests[1], "Authorization")
    assert Played(place.read("k"), OK).lines == ["GET https://bkt.s3.us-west-2.amazonaws.com/k"]


def test_a_region_is_signed_for_at_the_same_endpoint_when_it_is_our_own() -> None:
    wrong = answer(
        400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>site-b</Region></Error>"
    )
    played = Played(store().read("k"), wrong, OK)

    assert played.lines == [f"GET {ROOT}/k", f"GET {ROOT}/k"]
    assert "/site-b/s3/" in header(played.requests[1], "Authorization")


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/b/k",
        "http://127.0.0.1:9001/b/k",
        "http://user@127.0.0.1:9000/b/k",
        "ftp://127.0.0.1:9000/b/k",
        "http://127.0.0.1.evil.example:9000/b/k",
    ],
)
def test_no_redirect_leads_credentials_to_a_stranger(location: str) -> None:
    with pytest.raises(errors.NoBucket):
        Played(store().read("k"), answer(307, location=location))


@pytest.mark.parametrize("region", ["evil.example/x", "a@b", "", "x" * 40])
def test_no_region_that_a_server_names_can_make_a_host(region: str) -> None:
    with pytest.raises(errors.NoBucket):
        Played(store(endpoints=()).read("k"), answer(301, x_amz_bucket_region=region))


def test_an_upgrade_to_https_at_the_same_host_is_followed() -> None:
    played = Played(
        store(endpoints=("http://s3.example",)).read("k"),
        answer(301, location="https://s3.example/b/k"),
        OK,
    )

    assert played.lines[1] == "GET https://s3.example/b/k"


def test_redirects_are_followed_twice_at_most() -> None:
    around = [answer(301, x_amz_bucket_region=f"us-west-{n}") for n in (1, 2, 1)]

    with pytest.raises(errors.NoBucket):
        Played(store(endpoints=()).read("k"), *around)


def test_an_expired_token_is_renewed_once() -> None:
    tokens = iter(["old", "new"])

    def source() -> Keys:
        return Keys("demo-access", Secret("demo-secret-not-real"), Secret(next(tokens)))

    played = Played(store(keys=source).read("k"), refused(400, "ExpiredToken"), OK)

    assert [header(request, "x-amz-security-token") for request in played.requests] == [
        "old",
        "new",
    ]


def test_an_expired_token_that_cannot_be_renewed_stops_the_run() -> None:
    keys = Keys("demo-access", Secret("demo-secret-not-real"), Secret("old"))

    with pytest.raises(errors.ExpiredCredentials):
        Played(store(keys=lambda: keys).read("k"), refused(400, "ExpiredToken"))


def test_a_head_without_words_is_explained_by_a_get() -> None:
    with pytest.raises(errors.BadCredentials):
        Played(store().stat("k"), answer(403), refused(403, "SignatureDoesNotMatch"))
    with pytest.raises(errors.BucketDenied):
        Played(store().head_bucket(), answer(403), refused(403, "AccessDenied"))


def test_a_server_that_wants_the_body_signed_gets_it_signed() -> None:
    place = store()
    played = Played(place.write("k", b"x"), refused(400, "XAmzContentSHA256Mismatch"), OK)

    assert header(played.requests[1], "x-amz-content-sha256").startswith("2d711642b726b044")


def test_anonymous_requests_carry_no_signature() -> None:
    played = Played(store(keys=None, anonymous=True).read("k"), OK)

    assert played.requests[0].headers == ["host: 127.0.0.1:9000"]


def test_the_store_is_named_as_people_write_it_and_shows_no_secret() -> None:
    place = store(name="site-b")

    assert (store().name, place.name) == ("s3://b/", "site-b:b/")
    assert KEYS.secret_key.reveal not in repr(vars(place._client))
