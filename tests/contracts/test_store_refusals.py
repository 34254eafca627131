"""What a store says when a server refuses: the cause, the place, and what to ask the operator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bucketline.errors import (
    BadCredentials,
    BucketDenied,
    Denied,
    NoBucket,
    NotFound,
    StoreError,
    Unreachable,
)
from bucketline.flow.drive import blocking as call
from bucketline.stores.base import Flow
from bucketline.stores.s3.store import S3Store
from contracts.conftest import open_bucket, with_keys
from processes import free_port
from servers import Endpoint


def refusal(flow: Flow[object]) -> type[StoreError]:
    """The cause with which `flow` fails."""
    with pytest.raises(StoreError) as told:
        call(flow)
    return type(told.value)


def test_an_unknown_bucket_is_no_bucket(endpoint: Endpoint) -> None:
    nowhere = open_bucket(endpoint.remote(), "no-such-bucket")

    assert refusal(nowhere.page()) is NoBucket
    assert refusal(nowhere.write("key", b"bytes")) is NoBucket
    assert refusal(nowhere.read("key")) is NoBucket
    assert refusal(nowhere.head_bucket()) is NoBucket


def test_a_wrong_secret_is_bad_credentials(bucket: S3Store, endpoint: Endpoint) -> None:
    remote = with_keys(endpoint.remote(), endpoint.access_key, "demo-secret-that-is-wrong")
    store = open_bucket(remote, bucket.bucket)

    assert refusal(store.page()) is BadCredentials
    assert refusal(store.write("key", b"bytes")) is BadCredentials
    assert refusal(store.stat("key")) is BadCredentials


def test_an_unknown_access_key_is_bad_credentials(bucket: S3Store, endpoint: Endpoint) -> None:
    remote = with_keys(endpoint.remote(), "demo-nobody", endpoint.secret_key)

    assert refusal(open_bucket(remote, bucket.bucket).page()) is BadCredentials


def test_a_stranger_is_denied(bucket: S3Store, endpoint: Endpoint) -> None:
    call(bucket.write("key", b"bytes"))
    assert endpoint.stranger, "there is no second user"
    remote = with_keys(endpoint.remote(), endpoint.stranger, endpoint.secret_key)
    store = open_bucket(remote, bucket.bucket)

    assert refusal(store.page()) is BucketDenied
    assert refusal(store.read("key")) is Denied
    assert refusal(store.stat("key")) is Denied
    assert refusal(store.write("key", b"other")) is Denied
    assert refusal(store.delete("key")) is Denied
    assert _batch_refusal(store) in (Denied, BucketDenied)
    assert call(bucket.read("key")).body == b"bytes"


def _batch_refusal(store: S3Store) -> type[Exception]:
    """A batch is refused key by key, or whole: it is asked of the bucket."""
    try:
        [error] = call(store.delete_many(["key"])).values()
    except StoreError as refused:
        return type(refused)
    return type(error)


def test_who_does_not_sign_is_denied(bucket: S3Store, endpoint: Endpoint) -> None:
    call(bucket.write("key", b"bytes"))
    store = open_bucket(replace(endpoint.remote(), keys=None, anonymous=True), bucket.bucket)

    assert refusal(store.read("key")) in (Denied, BadCredentials)
    assert refusal(store.page()) in (BucketDenied, BadCredentials)


def test_nobody_listening_is_unreachable(rclone: Endpoint) -> None:
    store = open_bucket(rclone.remote(url=f"http://127.0.0.1:{free_port()}"), "bucket")

    assert refusal(store.page()) is Unreachable


def test_a_failure_carries_the_id_that_operators_ask_for(bucket: S3Store) -> None:
    with pytest.raises(NotFound) as told:
        call(bucket.read("missing"))

    assert told.value.request_id
    assert told.value.request_id in str(told.value)
