"""Objects in parts: begun, sent, finished exactly once however often it is asked."""

from __future__ import annotations

import pytest

from bucketline.errors import Broken, Busy, NotFound, ServerFault
from bucketline.model import Attributes, Entry
from bucketline.stores.base import Answer, OpenUpload, Part
from bucketline.stores.s3.objects import Source
from bucketline.stores.s3.parts import expected_etag
from s3_by_hand import Played, answer, header, refused, store

ROOT = "http://127.0.0.1:9000/b"
ETAGS = ["841a2d689ad86bd1611447453c22c6fc", "9dd4e461268c8034f5c8564e155c67a6"]
WHOLE = expected_etag(ETAGS)
BEGUN = (
    "<InitiateMultipartUploadResult><UploadId>u&amp;1</UploadId></InitiateMultipartUploadResult>"
)
DONE = (
    "\n\n<CompleteMultipartUploadResult><ETag>&quot;w-2&quot;</ETag>"
    "</CompleteMultipartUploadResult>"
)


def test_an_upload_is_begun_with_the_attributes_and_fed_by_number() -> None:
    place = store()
    attributes = Attributes({"content-type": "text/plain"}, {"a": "b"})
    begun = Played(place.begin("k", 9, attributes=attributes), answer(body=BEGUN))
    sent = Played(place.part("k", begun.value, 2, b"x", offset=5), answer(etag='"e"'))

    assert begun.lines == [f"POST {ROOT}/k?uploads="]
    assert header(begun.requests[0], "x-amz-meta-a") == "b"
    assert begun.value == "u&1"
    assert sent.lines == [f"PUT {ROOT}/k?partNumber=2&uploadId=u%261"]
    assert header(sent.requests[0], "content-md5") == "ndTkYSaMgDT1yFZOFVxnpg=="


def test_a_finish_lists_the_parts_and_reads_the_answer() -> None:
    played = Played(store().finish("k", "u", ETAGS), answer(body=DONE), answer(etag='"w-2"'))

    assert (
        b"<Part><PartNumber>2</PartNumber><ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag>"
        in bytes(played.requests[0].body)
    )
    assert (played.value.etag, played.value.pin) == ("w-2", "w-2")


def test_an_etag_that_holds_for_the_last_step_only_is_not_what_listings_are_compared_with() -> None:
    place = store()
    other = Played(place.finish("k", "u", ETAGS), answer(body=DONE), answer(etag='"whole"'))
    same = Played(place.finish("k", "u", ETAGS), answer(body=DONE), answer(etag='"w-2"'))
    third = Played(place.finish("k", "u", ETAGS), answer(body=DONE))

    assert (other.value.etag, other.value.pin) == ("w-2", "whole")
    assert [same.value.pin, third.value.pin] == ["w-2", "w-2"]


def test_who_may_not_read_can_finish_all_the_same() -> None:
    refusals = [answer(403), refused(403, "AccessDenied")]

    assert Played(store().finish("k", "u", ETAGS), answer(body=DONE), *refusals).value.pin == "w-2"


def test_the_etag_of_a_whole_is_known_from_its_parts() -> None:
    assert expected_etag(ETAGS) == "ea1e2403018a671561880fe77ad4cfc0-2"
    assert expected_etag(["not md5"]) == ""


def test_finished_already_is_a_success_when_the_object_is_the_one() -> None:
    played = Played(
        store().finish("k", "u", ETAGS), refused(404, "NoSuchUpload"), answer(etag=f'"{WHOLE}"')
    )

    assert played.value.etag == WHOLE


@pytest.mark.parametrize("said", [refused(500, "InternalError"), refused(200, "InternalError")])
def test_a_server_that_fails_over_a_finished_upload_is_asked_for_the_object(said: Answer) -> None:
    there = answer(etag=f'"{WHOLE}"')

    assert Played(store().finish("k", "u", ETAGS), said, there).value.etag == WHOLE


@pytest.mark.parametrize(
    "there",
    [
        [answer(404)],
        [answer(403), refused(403, "AccessDenied")],
        [answer(etag='"another"', content_length="9")],
    ],
)
def test_a_failure_without_the_object_stays_one_that_is_tried_again(there: list[Answer]) -> None:
    with pytest.raises(ServerFault):
        Played(store().finish("k", "u", ETAGS), refused(500, "InternalError"), *there)


def test_an_older_object_of_the_same_parts_does_not_make_a_failure_a_success() -> None:
    place = store()
    Played(place.begin("k", 9), answer(body=BEGUN))
    older = answer(etag=f'"{WHOLE}"', last_modified="Tue, 14 Nov 2023 22:13:19 GMT")

    with pytest.raises(ServerFault):
        Played(place.finish("k", "u&1", ETAGS), refused(500, "InternalError"), older)


@pytest.mark.parametrize("there", [answer(404), answer(etag='"another"', content_length="9")])
def test_an_upload_that_is_gone_without_its_object_is_not_found(there: Answer) -> None:
    with pytest.raises(NotFound):
        Played(store().finish("k", "u", ETAGS), refused(404, "NoSuchUpload"), there)


@pytest.mark.parametrize(
    ("size", "modified", "is_done"),
    [
        ("9", "Tue, 14 Nov 2023 22:13:20 GMT", True),
        ("8", "Tue, 14 Nov 2023 22:13:20 GMT", False),
        ("9", "Tue, 14 Nov 2023 22:13:19 GMT", False),
    ],
)
def test_where_etags_tell_nothing_size_and_time_do(size: str, modified: str, is_done: bool) -> None:
    place = store()
    Played(place.begin("k", 9), answer(body=BEGUN))
    there = answer(etag='"own"', content_length=size, last_modified=modified)

    flow = place.finish("k", "u&1", ETAGS)
    if is_done:
        assert Played(flow, refused(404, "NoSuchUpload"), there).value.etag == "own"
    else:
        with pytest.raises(NotFound):
            Played(flow, refused(404, "NoSuchUpload"), there)


def test_an_error_after_a_good_status_is_an_error() -> None:
    with pytest.raises(ServerFault):
        Played(
            store().finish("k", "u", ETAGS),
            answer(body="  \n<Error><Code>InternalError</Code>"),
            answer(404),
        )
    with pytest.raises(Busy):
        Played(store().finish("k", "u", ETAGS), refused(200, "SlowDown"))
    with pytest.raises(Broken):
        Played(store().finish("k", "u", ETAGS), answer(body="<CompleteMultip"))


def test_an_answer_without_an_etag_is_completed_by_a_look_at_the_object() -> None:
    told = "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>"

    played = Played(store().finish("k", "u", ETAGS), answer(body=told), answer(etag=f'"{WHOLE}"'))

    assert played.value.etag == WHOLE


def test_abandoning_twice_is_a_success() -> None:
    assert Played(store().abandon("k", "u"), refused(404, "NoSuchUpload")).value is None


def test_a_part_of_an_upload_that_is_gone_says_so() -> None:
    with pytest.raises(NotFound, match="begin it anew"):
        Played(store().part("k", "u", 1, b"x", offset=0), refused(404, "NoSuchUpload"))


def test_a_part_is_copied_within_the_service() -> None:
    copied = answer(body="<CopyPartResult><ETag>&quot;e&quot;</ETag></CopyPartResult>")
    source = Source("from", Entry("a", 100, etag="s"))
    played = Played(store().copy_part("k", "u", 1, source, start=10, size=20), copied)

    assert header(played.requests[0], "x-amz-copy-source-range") == "bytes=10-29"
    assert played.value.etag == "e"


def test_parts_and_uploads_are_listed_to_their_end() -> None:
    first = (
        "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>1"
        "</NextPartNumberMarker><Part><PartNumber>1</PartNumber><ETag>&quot;e&quot;</ETag>"
        "<Size>5</Size></Part></ListPartsResult>"
    )
    last = first.replace(">true<", ">false<").replace("Number>1<", "Number>2<")
    played = Played(store().list_parts("k", "u"), answer(body=first), answer(body=last))
    assert played.value == [Part(1, 5, "e"), Part(2, 5, "e")]

    uploads = (
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>k</Key>"
        "<UploadId>u</UploadId><Initiated>2024-03-02T03:04:05.500Z</Initiated></Upload>"
        "</ListMultipartUploadsResult>"
    )
    played = Played(store().list_uploads("k"), answer(body=uploads))
    assert played.value == [OpenUpload("k", "u", 1_709_348_645.5)]
