"""Checksums over the wire: what is sent, what is believed, and what binds a body to its request."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config

from bucketline.clock import SystemClock
from bucketline.engines.doctor import try_writes
from bucketline.engines.doctor.checksums import prove_checksums
from bucketline.errors import Mismatch
from bucketline.flow.drive import Drive, blocking, open_drive
from bucketline.model import Checksum
from bucketline.stores.base import Request, Sums
from bucketline.stores.digests import CRC64NVME, SHA256, VOUCHED, Algorithm
from bucketline.stores.s3 import S3Store
from s3_by_hand import Played, answer, header, refused, store
from servers import Endpoint

BODY = b"hello"
RIGHT = CRC64NVME.checksum(CRC64NVME.digest(BODY))
UNSIGNED = "UNSIGNED-PAYLOAD"
OPEN = "http://storage.example:9000"


@pytest.fixture
def drive() -> Iterator[Drive]:
    opened = open_drive()
    yield opened
    opened.close()


def bucket(server: Endpoint) -> S3Store:
    place = S3Store(server.remote(), f"b-{uuid.uuid4().hex[:12]}", clock=SystemClock())
    blocking(place.create_bucket())
    return place


def signed_names(request: Request) -> str:
    return header(request, "Authorization").partition("SignedHeaders=")[2].partition(",")[0]


def test_a_signed_checksum_takes_the_place_of_the_md5() -> None:
    [request] = Played(store().write("k", BODY, checksum=RIGHT), answer()).requests
    assert header(request, "x-amz-checksum-crc64nvme") == RIGHT.value
    assert header(request, "content-md5") == ""
    assert header(request, "x-amz-content-sha256") == UNSIGNED
    assert "x-amz-checksum-crc64nvme" in signed_names(request).split(";")


@pytest.mark.parametrize("verify", [True, False])
def test_over_tls_a_crc_is_enough_if_the_certificate_is_looked_at(*, verify: bool) -> None:
    place = store(endpoints=("https://storage.example",), verify_tls=verify)
    [request] = Played(place.write("k", BODY, checksum=RIGHT), answer()).requests
    assert (header(request, "content-md5") == "") is verify


def test_where_a_stranger_can_change_the_body_and_its_crc_an_md5_goes_along() -> None:
    place = store(endpoints=(OPEN,))
    [request] = Played(place.write("k", BODY, checksum=RIGHT), answer()).requests
    assert header(request, "x-amz-checksum-crc64nvme") == RIGHT.value
    assert header(request, "content-md5") == "XUFAKrxLKna5cZ2REBfFkg=="
    [request] = Played(place.part("k", "u", 1, BODY, offset=0, checksum=RIGHT), answer()).requests
    assert header(request, "content-md5") == "XUFAKrxLKna5cZ2REBfFkg=="


def test_a_sha256_needs_no_md5_anywhere() -> None:
    place, strong = store(endpoints=(OPEN,)), SHA256.checksum(SHA256.digest(BODY))
    [request] = Played(place.write("k", BODY, checksum=strong), answer()).requests
    assert header(request, "content-md5") == ""
    assert header(request, "x-amz-content-sha256") == UNSIGNED


def test_the_answer_to_a_write_tells_what_the_server_computed() -> None:
    told = answer(etag='"e"', x_amz_checksum_crc64nvme="AAAA", x_amz_checksum_type="FULL_OBJECT")
    receipt = Played(store().write("k", BODY, checksum=RIGHT), told).value
    assert receipt.checksums == {"crc64nvme": "AAAA"}


def test_a_server_that_no_longer_takes_checksums_gets_an_md5_and_none_from_then_on() -> None:
    place = store()
    place.learn(place.able.__class__(checksums=frozenset({"crc64nvme"})))
    played = Played(
        place.write("k", BODY, checksum=RIGHT), refused(400, "InvalidArgument"), answer(etag='"e"')
    )
    first, second = played.requests
    assert header(first, "x-amz-checksum-crc64nvme") == RIGHT.value
    assert header(second, "x-amz-checksum-crc64nvme") == ""
    assert header(second, "content-md5") == "XUFAKrxLKna5cZ2REBfFkg=="
    assert place.able.checksums == frozenset()


def test_what_a_server_refuses_for_another_reason_costs_it_no_ability() -> None:
    place = store()
    place.learn(place.able.__class__(checksums=frozenset({"crc64nvme"})))
    with pytest.raises(Mismatch):
        Played(place.write("k", BODY, checksum=RIGHT), refused(400, "BadDigest"))
    assert place.able.checksums == {"crc64nvme"}


def test_a_reading_asks_for_checksums_once_the_server_has_told_one() -> None:
    place = store()
    [silent] = Played(place.read("k"), answer(body=BODY)).requests
    Played(place.stat("k"), answer(x_amz_checksum_crc64nvme=RIGHT.value))
    [asking] = Played(place.read("k"), answer(body=BODY)).requests
    [ranged] = Played(
        place.read("k", start=1, size=2),
        answer(206, b"el", content_range="bytes 1-2/5"),
    ).requests
    asked = [header(one, "x-amz-checksum-mode") for one in (silent, asking, ranged)]
    assert asked == ["", "ENABLED", ""]


PARTS = [b"x" * 9, b"tail"]
SUMS = Sums(
    CRC64NVME.checksum(CRC64NVME.digest(b"".join(PARTS))),
    [CRC64NVME.checksum(CRC64NVME.digest(part)).value for part in PARTS],
)
DONE = (
    "<CompleteMultipartUploadResult><ETag>&quot;w-2&quot;</ETag>"
    f"<ChecksumCRC64NVME>{SUMS.whole.value}</ChecksumCRC64NVME>"
    "<ChecksumType>FULL_OBJECT</ChecksumType></CompleteMultipartUploadResult>"
)


def test_parts_speak_of_checksums_as_amazons_own_client_does() -> None:
    place = store(endpoints=())
    begun = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    [begin] = Played(place.begin("k", 13, algorithm="crc64nvme"), answer(body=begun)).requests
    [part] = Played(
        place.part("k", "u", 1, PARTS[0], offset=0, checksum=Checksum("crc64nvme", SUMS.parts[0])),
        answer(etag='"e"'),
    ).requests
    finished = Played(place.finish("k", "u", ["e1", "e2"], sums=SUMS), answer(body=DONE))
    [finish] = finished.requests

    for request, sent in zip((begin, part, finish), _as_botocore_does(), strict=True):
        told = {
            name.decode() if isinstance(name, bytes) else name: value
            for name, value in sent.headers.items()
            if str(name).lower().startswith("x-amz-checksum")
        }
        assert told
        for name, value in told.items():
            wanted = value.decode() if isinstance(value, bytes) else value
            assert header(request, name.lower()) == wanted
    listed = bytes(finish.body).decode()
    for value in SUMS.parts:
        assert f"<ChecksumCRC64NVME>{value}</ChecksumCRC64NVME></Part>" in listed
    assert finished.value.checksums == {"crc64nvme": SUMS.whole.value}


def _as_botocore_does() -> list[AWSRequest]:
    """The same three requests, as botocore prepares them; none is sent."""
    client = botocore.session.get_session().create_client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id="demo-access",
        aws_secret_access_key="demo-secret-not-real",
        config=Config(retries={"total_max_attempts": 1}),
    )
    seen: list[AWSRequest] = []

    def keep(request: AWSRequest, **_: object) -> None:
        seen.append(request)
        raise InterruptedError

    client.meta.events.register("before-send.s3", keep)
    listed = [
        {"PartNumber": number, "ETag": f"e{number}", "ChecksumCRC64NVME": value}
        for number, value in enumerate(SUMS.parts, 1)
    ]
    begin = {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "FULL_OBJECT"}
    part = {"PartNumber": 1, "Body": PARTS[0], "ChecksumCRC64NVME": SUMS.parts[0]}
    finish = {"ChecksumCRC64NVME": SUMS.whole.value, "ChecksumType": "FULL_OBJECT"}
    for call, words in (
        (client.create_multipart_upload, begin),
        (client.upload_part, part | {"UploadId": "u"}),
        (
            client.complete_multipart_upload,
            finish | {"UploadId": "u", "MultipartUpload": {"Parts": listed}},
        ),
    ):
        with pytest.raises(InterruptedError):
            call(Bucket="b", Key="k", **words)
    return seen


def test_elsewhere_the_whole_is_told_by_the_answer_and_not_to_the_server() -> None:
    played = Played(
        store().finish("k", "u", ["e1", "e2"], sums=SUMS), answer(body=DONE), answer(etag='"w-2"')
    )
    assert header(played.requests[0], "x-amz-checksum-crc64nvme") == ""
    assert played.value.checksums == {"crc64nvme": SUMS.whole.value}


@pytest.mark.parametrize("algorithm", VOUCHED.values(), ids=lambda one: one.name)
def test_a_server_that_checks_keeps_what_is_right_and_refuses_what_is_not(
    ministack: Endpoint, algorithm: Algorithm
) -> None:
    place = bucket(ministack)
    right, wrong = (algorithm.checksum(algorithm.digest(body)) for body in (BODY, b"jello"))
    blocking(place.write("k", BODY, checksum=right))
    assert blocking(place.stat("k")).checksums == {algorithm.name: right.value}
    assert blocking(place.read("k")).found.checksums == {algorithm.name: right.value}
    with pytest.raises(Mismatch):
        blocking(place.write("k", BODY, checksum=wrong))
    assert blocking(place.read("k")).body == BODY


def test_only_who_refuses_wrong_ones_is_believed(
    ministack: Endpoint, moto: Endpoint, rclone: Endpoint
) -> None:
    proven = [
        blocking(prove_checksums(bucket(server), "scratch/k"))
        for server in (ministack, moto, rclone)
    ]
    assert proven == [frozenset(VOUCHED), frozenset(), frozenset()]


def test_the_doctor_tells_it_and_the_store_knows_it_from_then_on(
    ministack: Endpoint, rclone: Endpoint, drive: Drive
) -> None:
    told = {}
    for server in (ministack, rclone):
        place = bucket(server)
        found = {one.about: one for one in try_writes(place, "s/", drive, SystemClock())}
        told[server.url] = (found["checks checksums"].answer, place.able.checksums)
        assert found["deletes"].answer == "yes"
    assert told == {
        ministack.url: ("crc64nvme, crc32c, sha256, crc32", frozenset(VOUCHED)),
        rclone.url: ("no", frozenset()),
    }


def test_the_md5_of_an_empty_body_is_known_too() -> None:
    empty = CRC64NVME.checksum(CRC64NVME.digest(b""))
    [request] = Played(store().write("k", b"", checksum=empty), answer()).requests
    assert header(request, "x-amz-content-sha256") == hashlib.sha256(b"").hexdigest()
    assert header(request, "x-amz-checksum-crc64nvme") == "AAAAAAAAAAA="
