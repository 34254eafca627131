"""What a bucket can beyond any store: versions, copies, links; and how another client sees it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from bucketline.errors import NeedsThaw, NotFound
from bucketline.flow.drive import blocking as call
from bucketline.model import Attributes
from bucketline.stores.base import Request
from bucketline.stores.s3.store import S3Store
from contracts.test_store import HEADERS, keys
from contracts.test_store_parts import send
from contracts.test_wire import ROUTE, ask
from servers import Endpoint

METADATA = {"owner": "plain", "mtime": "1700000000.5"}
MIB = 1 << 20


@pytest.fixture
def other_hand(endpoint: Endpoint) -> Any:
    """A client that shares no code with ours."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint.url,
        aws_access_key_id=endpoint.access_key,
        aws_secret_access_key=endpoint.secret_key,
        region_name=endpoint.region,
        config=Config(
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )


def test_another_client_reads_what_we_wrote(bucket: S3Store, other_hand: Any) -> None:
    headers = {name: HEADERS[name] for name in ("content-type", "cache-control")}
    attributes = Attributes(headers=headers, metadata=METADATA)
    call(bucket.write("a b/ä+%2F&.txt", b"bytes", attributes=attributes))

    told = other_hand.get_object(Bucket=bucket.bucket, Key="a b/ä+%2F&.txt")

    assert told["Body"].read() == b"bytes"
    assert {name.lower(): value for name, value in told["Metadata"].items()} == METADATA
    assert {"content-type": told["ContentType"], "cache-control": told["CacheControl"]} == headers


def test_another_client_reads_the_parts_that_we_joined(bucket: S3Store, other_hand: Any) -> None:
    parts = [b"1" * (5 * MIB), b"2"]
    upload = call(bucket.begin("key", 5 * MIB + 1))
    call(bucket.finish("key", upload, send(bucket, upload, parts)))

    told = other_hand.get_object(Bucket=bucket.bucket, Key="key")

    assert told["Body"].read() == b"".join(parts)


def test_we_read_what_another_client_wrote(bucket: S3Store, other_hand: Any) -> None:
    other_hand.put_object(
        Bucket=bucket.bucket,
        Key="a b/ä+%2F&.txt",
        Body=b"bytes",
        ContentType="text/x-own",
        Metadata=METADATA,
    )

    piece = call(bucket.read("a b/ä+%2F&.txt"))

    attributes = piece.found.attributes
    assert (piece.body, attributes.headers["content-type"]) == (b"bytes", "text/x-own")
    assert {name: attributes.metadata.get(name) for name in METADATA} == METADATA
    assert keys(bucket) == ["a b/ä+%2F&.txt"]


def test_versions_are_told_apart(bucket: S3Store) -> None:
    call(bucket.set_versioning(enabled=True))
    first = call(bucket.write("key", b"first")).version
    second = call(bucket.write("key", b"second")).version

    assert len({first, second, ""}) == 3
    assert call(bucket.read("key", version=first)).body == b"first"
    assert call(bucket.stat("key", version=first)).entry.size == 5
    assert call(bucket.read("key")).found.entry.version == second
    with pytest.raises(NotFound):
        call(bucket.read("other", version=first))


def test_a_deleted_object_comes_back_when_its_mark_is_deleted(bucket: S3Store) -> None:
    call(bucket.set_versioning(enabled=True))
    call(bucket.write("key", b"bytes"))

    call(bucket.delete("key"))
    with pytest.raises(NotFound):
        call(bucket.stat("key"))
    [mark] = [v for v in call(bucket.versions()).versions if v.is_delete_marker]
    call(bucket.delete("key", version=mark.entry.version))

    assert call(bucket.read("key")).body == b"bytes"


def test_one_version_is_deleted_for_good(bucket: S3Store) -> None:
    call(bucket.set_versioning(enabled=True))
    first = call(bucket.write("key", b"first")).version
    second = call(bucket.write("key", b"second")).version

    for _ in range(2):
        call(bucket.delete("key", version=second))

    assert call(bucket.read("key")).body == b"first"
    assert [v.entry.version for v in call(bucket.versions()).versions] == [first]


def test_the_service_copies_with_all_attributes(bucket: S3Store) -> None:
    key = "a b/ä+%2F&.txt"
    call(bucket.write(key, b"bytes", attributes=Attributes(metadata=METADATA)))
    source = call(bucket.stat(key)).entry

    call(bucket.copy("copy", bucket.bucket, source))

    piece = call(bucket.read("copy"))
    metadata = piece.found.attributes.metadata
    assert (piece.body, {name: metadata.get(name) for name in METADATA}) == (b"bytes", METADATA)


@pytest.mark.parametrize("key", ["a b/ä+%2F&?#.txt", "a/../b//c"], ids=["odd", "no-path"])
def test_a_signed_link_opens_one_object_to_anybody(bucket: S3Store, key: str) -> None:
    call(bucket.write(key, b"bytes"))

    link = call(bucket.presigned("GET", key, 60))

    assert urlsplit(link).query.count("X-Amz-Signature=") == 1
    assert ask(Request("GET", link, [], ROUTE)).body == b"bytes"


def test_what_is_archived_says_so_and_waits_for_a_thaw(bucket: S3Store) -> None:
    call(bucket.write("key", b"bytes", attributes=Attributes(tier="GLACIER")))

    assert call(bucket.stat("key")).archived
    assert [entry.tier for entry in call(bucket.page()).entries] == ["GLACIER"]
    with pytest.raises(NeedsThaw):
        call(bucket.read("key"))
