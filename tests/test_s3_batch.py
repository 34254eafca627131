"""Deleting many, and the bucket's own verbs."""

from __future__ import annotations

import pytest

from bucketline.errors import Broken, BucketDenied, Conflict, Denied, NoBucket, Unsupported
from bucketline.stores.base import Answer
from bucketline.stores.beyond import Thawing
from bucketline.stores.s3.admin import Lock, Versioning
from s3_by_hand import Played, answer, header, refused, store

ROOT = "http://127.0.0.1:9000/b"


def deleted(*rows: str) -> str:
    return f"<DeleteResult>{''.join(rows)}</DeleteResult>"


def gone(key: str) -> str:
    return f"<Deleted><Key>{key}</Key></Deleted>"


def kept(key: str, code: str) -> str:
    return f"<Error><Key>{key}</Key><Code>{code}</Code><Message>m</Message></Error>"


def test_every_error_of_a_batch_is_read_and_what_was_gone_is_no_error() -> None:
    body = deleted(gone("a"), kept("b", "AccessDenied"), kept("c&amp;", "NoSuchKey"))
    played = Played(store().delete_many(["a", "b", "c&"]), answer(body=body))

    assert played.lines == [f"POST {ROOT}?delete="]
    assert played.requests[0].kind == "DELETE"
    assert b"<Object><Key>c&amp;</Key></Object>" in bytes(played.requests[0].body)
    assert header(played.requests[0], "content-md5")
    assert list(played.value) == ["b"]
    assert isinstance(played.value["b"], Denied)


def test_keys_that_xml_cannot_name_go_one_by_one() -> None:
    keys = ["a", "b\x01", "c\r", " d", "e\ufffe"]
    played = Played(
        store().delete_many(keys),
        answer(body=deleted(gone("a"))),
        *[answer(204)] * 3,
        refused(403, "AccessDenied"),
    )

    assert played.lines[1:] == [
        f"DELETE {ROOT}/b%01",
        f"DELETE {ROOT}/c%0D",
        f"DELETE {ROOT}/%20d",
        f"DELETE {ROOT}/e%EF%BF%BE",
    ]
    assert list(played.value) == ["e\ufffe"]


def test_a_key_that_the_answer_does_not_name_is_deleted_alone() -> None:
    played = Played(store().delete_many(["a", "b"]), answer(body=deleted(gone("a"))), answer(204))

    assert played.lines[1] == f"DELETE {ROOT}/b"
    assert played.value == {}


def test_a_server_without_batches_gets_single_deletes_from_then_on() -> None:
    place = store()
    first = Played(place.delete_many(["a"]), refused(501, "NotImplemented"), answer(204))
    second = Played(place.delete_many(["a"]), answer(204))

    assert (first.lines[1], second.lines) == (f"DELETE {ROOT}/a", [f"DELETE {ROOT}/a"])


def test_a_batch_of_thousands_goes_a_thousand_at_a_time() -> None:
    keys = [f"{number}" for number in range(1_001)]
    first = deleted(*[gone(key) for key in keys[:1_000]])

    assert (
        Played(
            store().delete_many(keys), answer(body=first), answer(body=deleted(gone("1000")))
        ).value
        == {}
    )


def test_a_torn_or_refused_batch_is_an_error() -> None:
    with pytest.raises(Broken):
        Played(store().delete_many(["a"]), answer(body="<DeleteResult><Dele"))
    with pytest.raises(BucketDenied):
        Played(store().delete_many(["a"]), refused(403, "AccessDenied"))
    with pytest.raises(NoBucket):
        Played(store().delete_many(["a\x01"]), refused(404, "NoSuchBucket"))


def test_a_bucket_is_made_where_the_configuration_says() -> None:
    here = Played(store(endpoints=(), region="eu-west-1").create_bucket(lock=True), answer())
    own = Played(store().create_bucket(), refused(409, "BucketAlreadyOwnedByYou"))

    assert b"<LocationConstraint>eu-west-1<" in bytes(here.requests[0].body)
    assert header(here.requests[0], "x-amz-bucket-object-lock-enabled") == "true"
    assert own.lines == [f"PUT {ROOT}"]
    with pytest.raises(Conflict):
        Played(store(endpoints=()).create_bucket(), refused(409, "BucketAlreadyExists"))


def test_a_bucket_tells_its_region() -> None:
    assert Played(store().head_bucket(), answer(x_amz_bucket_region="x-1")).value == "x-1"
    assert Played(store().get_location(), answer(body="<LocationConstraint/>")).value == "us-east-1"


def test_versioning_is_set_only_where_it_is_known_and_read_back() -> None:
    never = answer(body="<VersioningConfiguration/>")
    enabled = answer(
        body="<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    )

    assert Played(store().get_versioning(), never).value is Versioning.NEVER
    Played(store().set_versioning(enabled=True), never, answer(), enabled)
    with pytest.raises(Unsupported):
        Played(store().set_versioning(enabled=True), never, answer(), never)
    with pytest.raises(Unsupported):
        Played(store().set_versioning(enabled=True), answer(body="<ListBucketResult/>"))


def test_object_lock_is_read_and_set() -> None:
    locked = (
        "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>{}"
        "</ObjectLockConfiguration>"
    )
    rule = "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>7</Days></DefaultRetention></Rule>"
    none = refused(404, "ObjectLockConfigurationNotFoundError")

    assert Played(store().get_lock(), none).value is None
    assert Played(store().get_lock(), answer(body=locked.format(rule))).value == Lock(
        "GOVERNANCE", 7, 0
    )
    played = Played(
        store().set_lock(Lock("COMPLIANCE", 1)), answer(body=locked.format("")), answer()
    )
    assert b"<Mode>COMPLIANCE</Mode><Days>1</Days>" in bytes(played.requests[1].body)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (answer(202), Thawing.ASKED),
        (answer(200), Thawing.READY),
        (refused(409, "RestoreAlreadyInProgress"), Thawing.UNDER_WAY),
        (refused(403, "ObjectAlreadyInActiveTierError"), Thawing.READY),
        (refused(503, "GlacierExpeditedRetrievalNotAvailable"), Thawing.NO_ROOM),
    ],
)
def test_asking_for_a_thaw_again_is_a_success(told: Answer, expected: Thawing) -> None:
    played = Played(store().restore_object("k", days=3, speed="Bulk", version="v"), told)

    assert played.lines == [f"POST {ROOT}/k?restore=&versionId=v"]
    assert b"<Days>3</Days>" in bytes(played.requests[0].body)
    assert played.value is expected
