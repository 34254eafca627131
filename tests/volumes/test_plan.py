"""A plan is a text with a hash; a disk is known by what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.engines.volumes.plan import Identity, Plan, item_of, read_plan
from bucketline.errors import Refused

IDENTITY = Identity(1 << 40, "S1", "0x5000c5", "Disk", "/dev/sdb", "8:16", "9")
IDS = [UUID(int=number) for number in (1, 2, 3)]
ITEM = item_of(IDENTITY, "ext4", "/srv", IDS)
PLAN = Plan("ext4", "/etc/fstab", "root", "boot", ("loop1",), (ITEM,))
OTHERS: dict[str, Any] = {
    "size": 2 << 40,
    "serial": "S2",
    "wwn": "",
    "model": "Disc",
    "path": "/dev/sdc",
    "number": "8:32",
    "sequence": "10",
}
VOLATILE = {"path", "number", "sequence"}


def test_it_is_read_as_it_was_written() -> None:
    assert read_plan(PLAN.text, PLAN.hash) == PLAN


def read_or_not(text: str) -> Plan | None:
    try:
        return read_plan(text, PLAN.hash)
    except Refused:
        return None


@given(st.data())
def test_every_change_of_it_is_noticed(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(PLAN.text) - 1))
    letter = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    text = PLAN.text[:place] + letter + PLAN.text[place + 1 :]
    assert read_or_not(text) in (None, PLAN)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"v": 2}', '{"v": 1}', "\0"])
def test_what_is_no_plan(text: str) -> None:
    with pytest.raises(Refused, match="run `bucketline volumes plan` again"):
        read_plan(text, PLAN.hash)


@pytest.mark.parametrize("name", OTHERS)
def test_a_disk_that_differs_in_anything_is_another(name: str) -> None:
    now = replace(IDENTITY, **{name: OTHERS[name]})

    assert name in IDENTITY.difference(now, is_same_boot=True)
    assert bool(IDENTITY.difference(now, is_same_boot=False)) == (name not in VOLATILE)


def test_the_same_is_the_same() -> None:
    assert IDENTITY.difference(replace(IDENTITY), is_same_boot=True) == ""


def test_a_disk_too_small_for_xfs() -> None:
    with pytest.raises(Refused, match="too small for xfs"):
        item_of(replace(IDENTITY, size=100 << 20), "xfs", "/srv", IDS)


def test_labels_fit_every_file_system() -> None:
    assert len(ITEM.label) <= 12
