"""Which keys take part."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.errors import UsageError
from bucketline.flow.look.filters import EVERYTHING, Filter, Rule, read_only_file
from bucketline.model import Entry


def kept(rules: str, *keys: str) -> list[str]:
    """Rules as `+glob -glob`, keys as they lie under the prefix `p/`."""
    parsed = tuple(Rule(word[1:], is_include=word[0] == "+") for word in rules.split())
    return _kept(Filter(parsed), keys)


def _kept(wish: Filter, keys: tuple[str, ...]) -> list[str]:
    keep = wish.keeper("p/")
    page = [Entry(f"p/{key}", 0) for key in keys]
    return [entry.key[2:] for entry in (keep(page) if keep else page)]


def test_a_star_stops_at_a_slash_and_two_do_not() -> None:
    assert kept("+/a/*", "a/b", "a/b/c", "b") == ["a/b"]
    assert kept("+/a/**", "a/b", "a/b/c", "b") == ["a/b", "a/b/c"]


def test_a_glob_without_a_leading_slash_matches_at_every_depth() -> None:
    assert kept("-*.tmp", "x.tmp", "a/x.tmp", "x.tmp/b", "x") == ["x.tmp/b", "x"]
    assert kept("-logs/*.tmp", "logs/x.tmp", "a/logs/x.tmp", "mylogs/x.tmp") == ["mylogs/x.tmp"]


def test_a_leading_slash_means_the_prefix_itself() -> None:
    assert kept("-/x", "x", "a/x") == ["a/x"]


def test_a_trailing_slash_means_all_below() -> None:
    assert kept("-cache/", "cache/a", "b/cache/c/d", "cache", "mycache/a") == ["cache", "mycache/a"]


def test_classes_alternatives_and_single_characters() -> None:
    assert kept("+[a-c]?.{jpg,p*}", "ax.jpg", "dx.jpg", "b.jpg", "cx.png", "cx.txt") == [
        "ax.jpg",
        "cx.png",
    ]
    assert kept("+[!a]", "a", "b", "]") == ["b", "]"]
    assert kept("+[]-]", "]", "-", "a") == ["]", "-"]
    assert kept("+a[^x]b", "a/b", "ayb") == ["ayb"]


def test_alternatives_may_hold_alternatives() -> None:
    assert kept("+{a,b{c,d}}", "a", "bc", "bd", "b") == ["a", "bc", "bd"]


def test_a_backslash_takes_the_next_character_as_it_is() -> None:
    assert kept(r"+\*", "*", "a") == ["*"]


def test_the_first_rule_that_matches_decides() -> None:
    assert kept("-a.jpg +*.jpg -*", "a.jpg", "b.jpg", "c") == ["b.jpg"]
    assert kept("+*.jpg -a.jpg -*", "a.jpg", "b.jpg", "c") == ["a.jpg", "b.jpg"]


def test_what_no_rule_matches_takes_part_unless_an_include_comes_first() -> None:
    assert kept("+*.jpg", "a.jpg", "b") == ["a.jpg"]
    assert kept("-*.jpg", "a.jpg", "b") == ["b"]
    assert kept("-a.jpg +*.jpg", "a.jpg", "b.jpg", "c") == ["b.jpg", "c"]


def test_a_newline_is_a_character_like_others() -> None:
    assert kept("+a*b", "a\nb") == ["a\nb"]
    assert kept("+x/**", "x/\n") == ["x/\n"]


def test_no_rules_mean_no_work_at_all() -> None:
    assert EVERYTHING.keeper("p/") is None


@pytest.mark.parametrize("glob", ["", "/", "[a", "[", "{a", "{a,b", "a}", "[z-a]", "a\\", "[\\"])
def test_a_bad_pattern_is_named(glob: str) -> None:
    with pytest.raises(UsageError) as caught:
        Filter((Rule(glob),)).keeper("p/")

    assert f"'{glob}'" in str(caught.value)


def test_a_list_of_keys_takes_them_whole_or_without_the_prefix_of_either_side() -> None:
    wish = Filter(only=frozenset({"p/a", "q/b", "c"}))
    page = [Entry(f"p/{name}", 0) for name in "abcd"]
    keep = wish.keeper("p/", "q/")

    assert keep is not None
    assert [entry.key for entry in keep(page)] == ["p/a", "p/b", "p/c"]


def test_a_list_of_keys_and_rules_must_both_agree() -> None:
    wish = Filter((Rule("*.tmp"),), frozenset({"a.tmp", "b"}))

    assert _kept(wish, ("a.tmp", "b", "c")) == ["b"]


def test_a_file_of_keys_may_be_plain_or_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text('a b\n\n{"key": "c\\nd", "cause": "Denied"}\n{e\nf\r\n', encoding="utf-8")

    assert read_only_file(file) == {"a b", "c\nd", "{e", "f"}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read_only_file(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_only_file(tmp_path / "binary")
    (tmp_path / "json").write_text('a\n{"name": "b"}\n')
    with pytest.raises(UsageError, match="json:2"):
        read_only_file(tmp_path / "json")


def _naive(glob: str, key: str) -> bool:
    """Tries everything, one character at a time."""
    if not glob:
        return not key
    if glob.startswith("**"):
        rest = glob.lstrip("*")
        return any(_naive(rest, key[skip:]) for skip in range(len(key) + 1))
    if glob[0] == "*":
        stop = key.find("/") if "/" in key else len(key)
        return any(_naive(glob[1:], key[skip:]) for skip in range(stop + 1))
    if not key:
        return False
    if glob[0] == "?":
        return key[0] != "/" and _naive(glob[1:], key[1:])
    return key[0] == glob[0] and _naive(glob[1:], key[1:])


def _naive_at_any_depth(glob: str, key: str) -> bool:
    glob = f"{glob}**" if glob.endswith("/") else glob
    if glob.startswith("/"):
        return _naive(glob[1:], key)
    starts = [0, *(place + 1 for place, character in enumerate(key) if character == "/")]
    return any(_naive(glob, key[start:]) for start in starts)


_globs = st.text("ab/*?.", min_size=1, max_size=7).filter(lambda glob: glob.strip("/"))
_keys = st.text("ab/.\n", max_size=8)


@given(st.lists(st.tuples(st.booleans(), _globs), min_size=1, max_size=4), _keys)
def test_rules_do_what_trying_them_one_by_one_does(rules: list[tuple[bool, str]], key: str) -> None:
    wish = Filter(tuple(Rule(glob, is_include=is_include) for is_include, glob in rules))
    expected = not rules[0][0]
    for is_include, glob in rules:
        if _naive_at_any_depth(glob, key):
            expected = is_include
            break

    assert _kept(wish, (key,)) == ([key] if expected else [])
