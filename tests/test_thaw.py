"""What is archived: how it stands by its answers, and what it is asked for."""

from __future__ import annotations

from email.utils import formatdate
from heapq import heappop, heappush

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import NeedsThaw, Unholdable
from bucketline.flow.thaw import (
    Beat,
    Seen,
    State,
    Wish,
    asked,
    look,
    may_be_archived,
    readable,
    thawed,
)
from bucketline.model import Entry
from bucketline.stores.base import Answer, Flow, Pause
from bucketline.stores.beyond import Thawing
from s3_by_hand import START, Played, answer, refused, store

DAY = 86_400
CLOCK = FakeClock(START)
UNDER_WAY = 'ongoing-request="true"'


def until(seconds: float) -> str:
    return f'ongoing-request="false", expiry-date="{formatdate(START + seconds, usegmt=True)}"'


def told(tier: str = "GLACIER", **headers: str) -> Answer:  # As HEAD answers.
    return answer(200, "", content_length="1", etag='"e"', x_amz_storage_class=tier, **headers)


def entry(tier: str = "GLACIER") -> Entry:
    return Entry("k", 1, tier=tier)


@pytest.mark.parametrize(
    ("answered", "state"),
    [
        (told(), State.FROZEN),
        (told("DEEP_ARCHIVE"), State.FROZEN),
        (told("GLACIER_IR"), State.READABLE),
        (told("STANDARD_IA"), State.READABLE),
        (told(x_amz_restore=UNDER_WAY), State.THAWING),
        (told("DEEP_ARCHIVE", x_amz_restore=UNDER_WAY), State.THAWING),
        (told(x_amz_restore=until(DAY)), State.THAWED),
        (told("DEEP_ARCHIVE", x_amz_restore=until(DAY)), State.THAWED),
        (told(x_amz_restore=until(-1)), State.EXPIRED),
        (told("INTELLIGENT_TIERING"), State.READABLE),
        (told("INTELLIGENT_TIERING", x_amz_archive_status="ARCHIVE_ACCESS"), State.FROZEN),
        (told("INTELLIGENT_TIERING", x_amz_archive_status="DEEP_ARCHIVE_ACCESS"), State.FROZEN),
        (
            told(
                "INTELLIGENT_TIERING",
                x_amz_archive_status="ARCHIVE_ACCESS",
                x_amz_restore=UNDER_WAY,
            ),
            State.THAWING,
        ),
    ],
)
def test_every_archive_tells_its_state(answered: Answer, state: State) -> None:
    played = Played(look(store(), entry(), FakeClock(START)), answered)

    assert played.value.state is state


def test_a_listing_tells_what_may_be_archived() -> None:
    tiers = ("GLACIER", "DEEP_ARCHIVE", "INTELLIGENT_TIERING", "GLACIER_IR", "STANDARD_IA", "")

    assert [may_be_archived(entry(tier)) for tier in tiers] == [True] * 3 + [False] * 3


@pytest.mark.parametrize(
    ("answers", "state", "came"),
    [
        ([told(), answer(202)], State.THAWING, Thawing.ASKED),
        ([told(), refused(409, "RestoreAlreadyInProgress")], State.THAWING, Thawing.UNDER_WAY),
        ([told(), answer(200), told(x_amz_restore=until(9e5))], State.THAWED, Thawing.READY),
        ([told(), answer(200), told(x_amz_restore=UNDER_WAY)], State.THAWING, Thawing.READY),
        ([told(x_amz_restore=until(-1)), answer(202)], State.THAWING, Thawing.ASKED),
        ([told(x_amz_restore=UNDER_WAY)], State.THAWING, None),
        ([told(x_amz_restore=until(DAY))], State.THAWED, None),
        (
            [told(), refused(503, "GlacierExpeditedRetrievalNotAvailable")],
            State.FROZEN,
            Thawing.NO_ROOM,
        ),
    ],
)
def test_only_what_needs_it_is_asked_for_and_once(
    answers: list[Answer], state: State, came: Thawing | None
) -> None:
    played = Played(thawed(store(), entry(), Wish(), CLOCK), *answers)

    assert (played.value.state, played.value.answer) == (state, came)
    assert [line for line in played.lines if line.startswith("POST")] == (
        ["POST http://127.0.0.1:9000/b/k?restore="] if came else []
    )


def test_what_would_freeze_again_soon_is_asked_for_again_and_stays_readable() -> None:
    soon = told(x_amz_restore=until(3600))
    later = told(x_amz_restore=until(7 * DAY))

    played = Played(thawed(store(), entry(), Wish(), CLOCK), soon, answer(200), later)

    assert played.value == Seen(State.THAWED, START + 7 * DAY, Thawing.READY)


def test_a_short_thaw_is_not_asked_for_at_every_look() -> None:
    wish = Wish(days=1, lasting_seconds=5 * DAY)

    Played(thawed(store(), entry(), wish, CLOCK), told(x_amz_restore=until(0.6 * DAY)))


def test_what_is_being_thawed_is_sped_up_on_demand() -> None:
    wish = Wish("Expedited", speeds_up=True)

    played = Played(
        thawed(store(), entry(), wish, CLOCK), told(x_amz_restore=UNDER_WAY), answer(202)
    )

    assert b"<Tier>Expedited</Tier>" in bytes(played.requests[1].body)
    assert played.value.state is State.THAWING


def test_a_tier_that_archives_by_itself_takes_no_days() -> None:
    played = Played(
        asked(store(), entry("INTELLIGENT_TIERING"), Seen(State.FROZEN), Wish(), CLOCK),
        answer(202),
    )

    assert b"Days" not in bytes(played.requests[0].body)


def test_the_deepest_archive_knows_no_haste() -> None:
    with pytest.raises(Unholdable, match="choose --tier Standard or Bulk"):
        Played(asked(store(), entry("DEEP_ARCHIVE"), Seen(State.FROZEN), Wish("Expedited"), CLOCK))


def test_right_before_a_copy_it_is_looked_at_again_and_asked_for() -> None:
    Played(readable(store(), entry(), Wish(), CLOCK), told(x_amz_restore=until(DAY)))

    with pytest.raises(NeedsThaw, match="3 to 5 hours"):
        Played(
            readable(store(), entry(), Wish(), CLOCK),
            told(x_amz_restore=until(-60)),
            answer(202),
        )


def test_no_second_has_more_requests_than_the_rate() -> None:
    """Two hundred want to go at once, and twice the machine stands still for a while."""
    clock = FakeClock(START)
    beat = Beat(10, clock)
    waiting: list[tuple[float, int, Flow[None]]] = [
        (START, number, beat.turn()) for number in range(200)
    ]
    gone: list[float] = []
    while waiting:
        due, number, flow = heappop(waiting)
        clock.sleep(max(0.0, due - clock.now()))
        if number in (50, 120):
            clock.sleep(5)
        try:
            effect = next(flow)
        except StopIteration:
            gone.append(clock.now())
        else:
            assert isinstance(effect, Pause)
            heappush(waiting, (clock.now() + effect.seconds, number, flow))

    assert len(gone) == 200
    for first in gone:
        assert len([one for one in gone if first <= one < first + 0.999]) <= 11
