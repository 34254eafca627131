"""On AWS a listing tells how thaws stand; nowhere else is it believed to."""

from __future__ import annotations

from typing import cast
from urllib.parse import unquote

from bucketline.clock import FakeClock
from bucketline.engines.thaw import Thawed
from bucketline.flow.compare.sides import Side
from bucketline.flow.look.filters import Filter, Rule
from bucketline.flow.look.listing import Caller
from bucketline.flow.thaw import Wish
from bucketline.model import Skip, Thaw
from bucketline.stores.base import Answer, Flow
from bucketline.stores.s3 import S3Store
from s3_by_hand import START, Played, answer, header, store

PAST, FUTURE = "2012-12-21T00:00:00.000Z", "2040-12-21T00:00:00.000Z"


def item(key: str, tier: str, status: str = "", *, at_the_end: bool = True) -> str:
    told = f"<RestoreStatus>{status}</RestoreStatus>" if status else ""
    before, after = ("", told) if at_the_end else (told, "")
    return (
        f"<Contents><Key>{key}</Key><LastModified>2024-01-02T03:04:05.000Z</LastModified>"
        f"<ETag>&quot;e&quot;</ETag>{before}<Size>1</Size><StorageClass>{tier}</StorageClass>"
        f"{after}</Contents>"
    )


def page(*items: str) -> Answer:
    return answer(
        200,
        '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>'
        f"<EncodingType>url</EncodingType><KeyCount>{len(items)}</KeyCount>{''.join(items)}"
        "</ListBucketResult>",
    )


UNDER_WAY = "<IsRestoreInProgress>true</IsRestoreInProgress>"


def thawed(until: str) -> str:
    return (
        "<IsRestoreInProgress>false</IsRestoreInProgress>"
        f"<RestoreExpiryDate>{until}</RestoreExpiryDate>"
    )


ITEMS = (
    item("a%20b", "GLACIER"),
    item("b", "DEEP_ARCHIVE", UNDER_WAY),
    item("c", "GLACIER", thawed(FUTURE), at_the_end=False),
    item("d", "GLACIER", thawed(PAST)),
    item("e", "INTELLIGENT_TIERING"),
    item("f", "STANDARD"),
    item("g", "GLACIER"),
)


class ByHand:
    """Gives the answers to whatever is asked, in order."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.lines: list[str] = []
        self.asked = ""

    def call(self, flow: Flow[object]) -> object:
        count = 1
        played = Played(flow, *self.answers[:count])
        self.answers = self.answers[count:]
        self.lines += [unquote(line) for line in played.lines]
        self.asked = header(played.requests[0], "x-amz-optional-object-attributes") or self.asked
        return played.value


def steps(place: S3Store, drive: ByHand) -> list[object]:
    chosen = Filter((Rule("g"),))
    caller = cast("Caller", drive)
    engine = Thawed(Side(place), Wish(), caller, FakeClock(START), chosen=chosen)
    return [
        (step.key, step.state) if isinstance(step, Thaw) else step
        for step in engine.plan()
        if isinstance(step, Thaw | Skip)
    ]


def test_amazons_listing_is_believed_and_only_what_it_does_not_know_is_looked_at() -> None:
    place = store(endpoints=())
    drive = ByHand(page(*ITEMS), answer(200, "", x_amz_storage_class="INTELLIGENT_TIERING"))

    assert steps(place, drive) == [
        Skip(1, 1),
        ("a b", "frozen"),
        ("b", "thawing"),
        ("c", "thawed"),
        ("d", "expired"),
        Skip(1, 1),
    ]
    assert drive.asked == "RestoreStatus"
    assert [line.split(" ")[0] for line in drive.lines] == ["GET", "HEAD"]
    assert place.tell_thaws() == {}  # Nothing of it is kept.


def test_others_are_not_asked_and_each_object_is_looked_at() -> None:
    drive = ByHand(page(ITEMS[2]), answer(200, "", x_amz_storage_class="GLACIER"))

    assert steps(store(), drive) == [("c", "frozen")]
    assert drive.asked == ""
