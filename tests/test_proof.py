"""A proof of delivery: whatever is done to the file is noticed, and told where."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.flow.proof.manifest import FORMAT, encoded, extract, signed
from bucketline.flow.proof.merkle import Tree, leaf_hash
from bucketline.flow.proof.signing import fingerprint
from proofs import HEAD, OTHER, SIGNER, delivered, lines_of, read, said, text_of

KEYS = ["a", "b/ü", "c d", "line\nbreak", "\u2028", '"quoted"']
MARK = fingerprint(SIGNER.public_key)


def fields(line: bytes) -> dict[str, object]:
    row: dict[str, object] = json.loads(line)
    return row


def test_a_proof_says_what_it_was_made_of() -> None:
    lines = lines_of(KEYS)
    reading = read(text_of(lines))
    assert (reading.problems, reading.objects_read, reading.size) == ([], 6, 18)
    assert [fields(line)["key"] for line in lines[1:-1]] == KEYS
    tree = Tree()
    for line in lines[1:-1]:
        tree.add(leaf_hash(line))
    assert fields(lines[-1])["root"] == tree.root.hex()
    assert fields(lines[0])["fingerprint"] == reading.fingerprint == MARK


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_small_ones_are_proofs_too(count: int) -> None:
    assert said(lines_of(KEYS[:count])) == []


@given(st.lists(st.text(min_size=1, max_size=5).filter(str.isprintable), max_size=9))
def test_any_key_comes_back(keys: list[str]) -> None:
    reading = read(text_of(lines_of(keys)))
    assert (reading.problems, reading.objects_read) == ([], len(keys))


def test_every_flipped_bit_of_every_byte_is_caught() -> None:
    text = text_of(lines_of(["a", "b"]))
    assert not read(text).problem_count
    for place in range(len(text)):
        for bit in range(8):
            spoilt = bytearray(text)
            spoilt[place] ^= 1 << bit
            assert read(bytes(spoilt)).problem_count, f"byte {place}, bit {bit}"


def test_every_cut_is_caught() -> None:
    text = text_of(lines_of(["a", "b"]))
    for end in range(len(text)):
        assert read(text[:end]).problem_count, f"cut off at {end}"


def test_a_changed_byte_is_told_by_its_line() -> None:
    lines = lines_of(KEYS)
    for number in range(1, len(lines) - 1):
        spoilt = list(lines)
        spoilt[number] = lines[number].replace(b'"size":3', b'"size":4')
        told = said(spoilt)
        assert (number + 1, "changed") in told
        assert {what for _, what in told} == {"changed", "count", "root"}
        assert len(told) == 3


def test_a_line_that_is_no_line_any_more_is_told() -> None:
    lines = lines_of(KEYS)
    lines[3] = lines[3][:-1]
    assert said(lines) == [(4, "changed"), (0, "count"), (0, "root")]


def test_a_changed_header_is_told() -> None:
    lines = lines_of(KEYS)
    lines[0] = lines[0].replace(b'"run-2"', b'"run-3"')
    assert said(lines) == [(1, "changed"), (0, "signature")]


def test_a_changed_link_is_told_by_its_own_line() -> None:
    lines = lines_of(KEYS)
    after = str(fields(lines[3])["after"]).encode()
    lines[3] = lines[3].replace(after, after[::-1])
    assert said(lines) == [(4, "changed"), (0, "root")]


@pytest.mark.parametrize("number", range(1, 7))
def test_a_missing_line_is_told_by_its_place(number: int) -> None:
    lines = lines_of(KEYS)
    del lines[number]
    told = said(lines)
    assert {what for _, what in told} >= {"count", "root"}
    if number < 6:
        assert told[0] == (number + 1, "missing")


@pytest.mark.parametrize("place", range(1, 8))
@pytest.mark.parametrize("number", range(1, 7))
def test_a_repeated_line_is_told_by_its_place(number: int, place: int) -> None:
    lines = lines_of(KEYS)
    lines.insert(place, lines[number])
    told = said(lines)
    assert {what for _, what in told} >= {"added", "count", "root"}
    if place > number:
        assert told[0] == (place + 1, "added")


@pytest.mark.parametrize("number", range(1, 6))
def test_swapped_lines_are_told(number: int) -> None:
    lines = lines_of(KEYS)
    lines[number], lines[number + 1] = lines[number + 1], lines[number]
    told = said(lines)
    assert {what for _, what in told} == {"missing", "added", "root"}
    assert told[0] == (number + 1, "missing")


def test_an_added_line_of_another_object_is_told() -> None:
    lines = lines_of(KEYS)
    row = {**fields(lines[3]), "key": "smuggled"}
    lines.insert(4, encoded(row))
    assert said(lines)[0] == (5, "added")


def test_a_forger_who_makes_numbers_and_links_anew_meets_the_root() -> None:
    lines, forged = lines_of(KEYS), lines_of([*KEYS, "smuggled"])
    assert said([lines[0], *forged[1:-1], lines[-1]]) == [
        (8, "changed"),
        (0, "count"),
        (0, "root"),
    ]


def test_the_signature_of_another_proof_is_caught() -> None:
    lines, other = lines_of(KEYS), lines_of(["x", *KEYS])
    foot = {**fields(lines[-1]), "signature": fields(other[-1])["signature"]}
    assert said([*lines[:-1], encoded(foot)]) == [(0, "signature")]


def test_a_footer_of_the_same_objects_in_another_run_is_caught() -> None:
    lines, other = lines_of(KEYS), lines_of(KEYS, head={**HEAD, "run": "run-9"})
    assert (0, "signature") in said([*lines[:-1], other[-1]])


def test_a_proof_that_somebody_else_signs_anew_is_caught_when_the_signer_is_pinned() -> None:
    forged = lines_of(["smuggled"], OTHER)
    assert said(forged) == []  # Anybody can sign: that is what pinning is for.
    assert said(forged, signer=MARK) == [(0, "signer")]
    assert said(lines_of(KEYS), signer=MARK) == []


def test_somebody_elses_key_in_the_header_does_not_fit_the_signature() -> None:
    lines = lines_of(KEYS)
    mine, theirs = SIGNER.public_key.hex().encode(), OTHER.public_key.hex().encode()
    lines[0] = lines[0].replace(mine, theirs)
    assert (0, "signature") in said(lines)
    foot = fields(lines[-1])
    del foot["signature"]
    foot["signature"] = OTHER.sign(signed(lines[0], foot)).hex()
    assert (0, "signer") in said([*lines[:-1], encoded(foot)], signer=MARK)


def test_what_comes_after_the_end_is_told() -> None:
    lines = lines_of(KEYS)
    assert said([*lines, lines[1]]) == [(9, "added")]
    assert said([*lines, b""]) == [(9, "added")]


def test_a_newer_format_and_other_files_are_refused() -> None:
    newer = encoded({"kind": "proof", "format": FORMAT + 1})
    assert said([newer]) == [(1, "newer")]
    for text in (b"", b"hello", b"[]", b"{}", b"\xff\xfe", b'{"kind":"run","format":1}'):
        assert said([text]) == [(1, "unreadable")]
    assert said([]) == [(1, "unreadable")]


def test_one_object_is_shown_by_its_path_alone() -> None:
    lines = lines_of(KEYS)
    for number, key in enumerate(KEYS):
        pages = read(text_of(lines), wanted=key).pages
        assert pages is not None
        shown = list(extract(pages.header, pages.line, pages.footer, pages.path))
        reading = read(text_of(shown))
        assert (reading.problems, reading.is_extract) == ([], True)
        assert pages.line == lines[number + 1]
    assert read(text_of(lines), wanted="nobody").pages is None


def test_every_change_of_an_extract_is_caught() -> None:
    pages = read(text_of(lines_of(KEYS)), wanted="c d").pages
    assert pages is not None
    lines = list(extract(pages.header, pages.line, pages.footer, pages.path))
    text = text_of(lines)
    for place in range(len(text)):
        spoilt = bytearray(text)
        spoilt[place] ^= 1
        assert read(bytes(spoilt)).problem_count, f"byte {place}"
    for number in range(4):
        assert said([*lines[:number], *lines[number + 1 :]])
        assert said([*lines[: number + 1], *lines[number:]])


def test_lines_are_made_one_by_one() -> None:
    """A generator in, a generator out: nothing holds ten million of them."""
    from bucketline.flow.proof.manifest import manifest

    made = 0

    def endless() -> object:
        nonlocal made
        while True:
            made += 1
            yield delivered(f"k{made:09}")

    lines = manifest(HEAD, endless(), SIGNER)  # type: ignore[arg-type]
    some = [next(lines) for _ in range(50)]
    assert made == 49
    assert all(fields(b)["after"] == leaf_hash(a).hex()[:16] for a, b in pairwise(some))
