"""Names of buckets, and where SmartStore has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.engines.splunk.names import is_index, parse, receipt_folders

GUID = "CEB1E2B6-34F2-40EB-A2EF-10C5531556F9"


def test_the_newest_time_comes_first() -> None:
    name = parse(f"db_1651670906_1651669557_0_{GUID}")

    assert name is not None
    assert (name.newest, name.oldest) == (1651670906, 1651669557)
    assert name.bid("web_logs") == f"web_logs~0~{GUID}"


def test_one_without_a_guid_gets_that_of_the_server() -> None:
    name = parse("db_20_10_7")

    assert name is not None
    assert name.bid("main", GUID) == f"main~7~{GUID}"
    assert name.owned(GUID).text == f"db_20_10_7_{GUID}"


def test_a_replica_is_the_same_bucket() -> None:
    one, other = parse(f"db_20_10_7_{GUID}"), parse(f"rb_20_10_7_{GUID}")

    assert one is not None
    assert other is not None
    assert other.is_replica
    assert one.identity == other.identity


@pytest.mark.parametrize(
    "text",
    [
        *("hot_v1_3", "db_1_2", f"7_{GUID}", f"DISABLED-db_20_10_7_{GUID}", "db_٣_1_1"),
        *(f"db_20_10_7_{GUID.lower()}", f"db_20_10_7_{GUID}.lock", f"db_20_10_7_{GUID}\n", ""),
    ],
)
def test_others_are_no_buckets(text: str) -> None:
    assert parse(text) is None


@given(
    st.sampled_from(("db", "rb")),
    st.integers(0, 10**18),
    st.integers(0, 10**18),
    st.integers(0, 10**18),
    st.sampled_from(("", f"_{GUID}")),
)
def test_every_name_is_read_back(
    kind: str, newest: int, oldest: int, number: int, end: str
) -> None:
    name = parse(f"{kind}_{newest}_{oldest}_{number}{end}")

    assert name is not None
    assert (name.kind, name.newest, name.oldest) == (kind, newest, oldest)
    assert name.number == str(number)


@pytest.mark.parametrize(
    ("start", "end", "is_in"),
    [
        (None, None, True),
        (20, None, True),
        (21, None, False),
        (None, 10, True),
        (None, 9, False),
        (12, 13, True),
        (0, 99, True),
    ],
)
def test_a_bucket_overlaps_with_both_ends_counted(
    start: float | None, end: float | None, is_in: bool
) -> None:
    name = parse("db_20_10_7")

    assert name is not None
    assert name.overlaps(start, end) is is_in


def test_the_folder_is_spread_by_the_identity_alone() -> None:
    lower, upper = receipt_folders("", "web~10~33A1AEFB-8C83-4005-80F0-6BEBC769EBE0")

    assert lower == "56/ba/10~33A1AEFB-8C83-4005-80F0-6BEBC769EBE0/"
    assert upper == "56/BA/10~33A1AEFB-8C83-4005-80F0-6BEBC769EBE0/"
    other = receipt_folders("a/b/", "x~14~676B2388-3181-4A73-BD1E-43F02EF050B4")[0]
    assert other.startswith("a/b/bd/e3/")


@pytest.mark.parametrize("text", ["main", "_internal", "web-logs_2"])
def test_a_name_of_an_index(text: str) -> None:
    assert is_index(text)


@pytest.mark.parametrize("text", ["", "..", "a/b", ".hidden", "a..b", "-x", "a b"])
def test_no_name_of_an_index(text: str) -> None:
    assert not is_index(text)
