"""Receipts are believed as far as they fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.engines.splunk.receipts import BadReceipt, doubts, read
from splunk.receipting import receipt, sealed

GUID = "CEB1E2B6-34F2-40EB-A2EF-10C5531556F9"
BID = f"web~7~{GUID}"
TEXT = receipt(
    {"rawdata/journal.zst": 1000, "20-10-1.tsidx": 500},
    bid=BID,
    path=f"db_20_10_7_{GUID}",
    uploader=GUID,
    events=12,
    raw_size=5000,
)


def test_a_receipt_tells_what_is_there() -> None:
    found = read(TEXT)

    assert found.bid == BID
    assert found.events == 12
    assert [body.size for body in found.bodies] == [1000, 500]
    assert doubts(found, BID, GUID, 12) == []


@given(st.integers(0, len(TEXT) - 2), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    text = bytearray(TEXT)
    text[place] ^= change

    try:
        found = read(bytes(text))
    except BadReceipt:
        return
    assert found == read(TEXT), "only the case of the hash's own digits may differ"


@pytest.mark.parametrize(
    ("bid", "uploader", "events", "said"),
    [
        ("web~8~X", GUID, 12, "is of"),
        (BID, "OTHER", 12, "not by this server"),
        (BID, GUID, 13, "13"),
    ],
)
def test_one_of_another_bucket_is_doubted(bid: str, uploader: str, events: int, said: str) -> None:
    assert said in doubts(read(TEXT), bid, uploader, events)[0]


def test_a_frozen_one_is_doubted() -> None:
    data = json.loads(TEXT)
    del data["user_data"]["content_hash"]
    data["manifest"]["frozen_in_cluster"] = "1"

    assert "frozen" in doubts(read(sealed(data)), BID, GUID, 12)[0]


@pytest.mark.parametrize("name", ["./../other", "/etc/passwd", "./a/../../b"])
def test_names_outside_of_the_bucket_are_refused(name: str) -> None:
    data = json.loads(TEXT)
    del data["user_data"]["content_hash"]
    data["objects"][0]["name"] = name

    with pytest.raises(BadReceipt, match="outside"):
        read(sealed(data))
