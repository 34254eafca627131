"""No server damages an object whose attributes were to change, whatever it makes of a call."""

from __future__ import annotations

import pytest

from bucketline.errors import Changed, Conflict, StoreError, Unsupported
from bucketline.model import Attributes, Entry, Found
from bucketline.stores.base import Answer
from s3_by_hand import Played, answer, header, refused, store

ROOT = "http://127.0.0.1:9000/b"
THERE = Found(Entry("f/k", 5, etag="e"), Attributes(metadata={"a": "1"}))
WANTED = Attributes(metadata={"a": "2"})
NO_ACL = answer(200, b"the object's bytes", etag='"e"')
OWNED = """<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee>
    <ID>me</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>{more}</AccessControlList>
    </AccessControlPolicy>"""
OTHER = "<Grant><Grantee><ID>you</ID></Grantee><Permission>READ</Permission></Grant>"
COPIED = "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"


def told(size: str = "5", etag: str = "e", **headers: str) -> Answer:
    return answer(200, etag=f'"{etag}"', content_length=size, **headers)


def writes(played: Played) -> list[str]:
    """What was written or deleted, but for the scratch object's name."""
    lines = [line for line in played.lines if line.split()[0] not in {"GET", "HEAD"}]
    return [line.split(".bucketline-probe-")[0] for line in lines]


PROBED = [answer(200, etag='"p"'), told(etag="p")]  # The scratch object is made, and is there.


@pytest.mark.parametrize(
    ("copied", "read"),
    [
        (answer(200, etag='"of nothing"'), []),  # Taken for an upload of nothing.
        (refused(501, "NotImplemented"), []),
        (answer(200, COPIED), [told("0", "of nothing")]),
        (answer(200, COPIED), [answer(200, b"probe", etag='"p"', x_amz_meta_probe="before")]),
    ],
    ids=["an upload", "refused", "emptied", "ignored"],
)
def test_a_server_that_does_not_copy_in_place_never_touches_the_object(
    copied: Answer, read: list[Answer]
) -> None:
    place = store()
    flow = place.retouch("f/k", WANTED, THERE, part_size=8)
    answers = [NO_ACL, *PROBED, copied, *read, answer(204)]
    played = Seen(flow, *answers)

    assert isinstance(played.error, StoreError)
    assert writes(played) == [f"PUT {ROOT}/f/"] * 2 + [f"DELETE {ROOT}/f/"]


class Seen(Played):
    """The same, and the error of its end."""

    def __init__(self, flow: object, *answers: Answer | Exception) -> None:
        self.error: Exception | None = None
        try:
            super().__init__(flow, *answers)  # type: ignore[arg-type]
        except StoreError as error:
            self.error = error


def test_an_object_that_has_changed_is_not_copied_onto_itself() -> None:
    after = answer(200, b"probe", etag='"p"', x_amz_meta_probe="after", content_length="5")
    flow = store().retouch("f/k", WANTED, THERE, part_size=8)
    answers = [NO_ACL, *PROBED, answer(200, COPIED), after, answer(204), told(etag="newer")]
    played = Seen(flow, *answers)

    assert isinstance(played.error, Changed)
    assert f"PUT {ROOT}/f/k" not in played.lines


def test_grants_that_a_copy_would_lose_hold_it_back() -> None:
    flow = store().retouch("f/k", WANTED, THERE, part_size=8)
    played = Seen(flow, answer(200, OWNED.format(more=OTHER)))

    assert isinstance(played.error, Conflict)
    assert writes(played) == []


@pytest.mark.parametrize(
    ("protection", "about"),
    [
        ({"acl": "private"}, ["acl"]),
        ({"object-lock-legal-hold": "ON"}, ["retention", "legal-hold"]),
    ],
)
def test_what_is_taken_for_the_object_itself_is_never_written(
    protection: dict[str, str], about: list[str]
) -> None:
    wanted = Attributes(metadata={"a": "1"}, protection=protection)
    played = Seen(store().retouch("f/k", wanted, THERE, part_size=8), *[NO_ACL] * len(about))

    assert isinstance(played.error, Unsupported)
    assert played.lines == [f"GET {ROOT}/f/k?{name}=" for name in about]
    # A big object would come as the answer: a little of it tells as much.
    assert {header(request, "range") for request in played.requests} == {"bytes=0-65535"}


def test_parts_of_another_size_are_given_up_before_they_count() -> None:
    there = Found(Entry("f/k", 10, etag="e-2"), Attributes(metadata={"a": "1"}))
    place = store()
    place._client.copies_in_place = True
    part = answer(
        200, "<CopyPartResult><ETag>0123456789abcdef0123456789abcdef</ETag></CopyPartResult>"
    )
    begun = answer(200, "<R><UploadId>u</UploadId></R>")
    answers = [NO_ACL, told("10", "e-2"), answer(404), begun, part, part, answer(204)]
    played = Seen(place.retouch("f/k", WANTED, there, part_size=8), *answers)

    assert isinstance(played.error, Unsupported)
    assert "unusual sizes" in str(played.error)
    assert played.lines[-1] == f"DELETE {ROOT}/f/k?uploadId=u"
    assert not any("POST" in line and "uploadId" in line for line in played.lines)


def test_a_server_without_acls_is_asked_once() -> None:
    place = store()
    with pytest.raises(Unsupported):
        Played(place.access("k"), NO_ACL)
    with pytest.raises(Unsupported):
        Played(place.access("k"))
