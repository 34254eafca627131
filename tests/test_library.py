"""Commands as functions of Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bucketline import library
from bucketline.errors import NoBucket, UsageError
from desk import Desk
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture(autouse=True)
def service(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where s3:// is."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", desk.url)
    monkeypatch.chdir(desk.here)


def test_a_sync_returns_what_it_would_print_and_prints_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.txt", "b.tmp", "c.txt"):
        desk.file(name, name.encode())
    heard: list[library.Record] = []

    done = library.sync(str(desk.folder), desk.s3, exclude="*.tmp", heard=heard.append)

    assert (done.code, done.summary["done"], done.troubles) == (0, 2, [])
    assert sorted(one["key"] for one in heard if one["event"] == "object") == ["a.txt", "c.txt"]
    assert desk.body("a.txt") == b"a.txt"
    assert [run["run"] for run in library.runs_list().records] == [done.summary["run"]]
    assert capsys.readouterr() == ("", "")


def test_flags_lists_and_their_opposites(desk: Desk) -> None:
    desk.file("a", b"1")
    desk.object("old", b"2")

    plan = library.sync(f"{desk.folder}", desk.s3, delete=True, dry_run=True, include=["*"])
    kept = library.sync(f"{desk.folder}", desk.s3, delete=False, workers=3, max_duration=None)

    assert (plan.summary["deletes"], plan.summary["copies"]) == (1, 1)
    assert (kept.summary["done"], desk.body("old")) == (1, b"2")


def test_differences_have_their_code_and_troubles_their_cause(desk: Desk) -> None:
    desk.file("a", b"1")
    found = library.check(f"{desk.folder}", desk.s3)
    assert (found.code, found.records[0]["symbol"]) == (3, "+")


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda: library.sync("s3://photos/", ".", nonsense=1), "takes no nonsense"),
        (lambda: library.sync("s3://photos/", ".", max_delete=True), "takes a value"),
        (lambda: library.sync("s3://photos/"), "TARGET is missing"),
        (lambda: library.sync("s3://photos/", ".", compare="colour"), "colour"),
        (lambda: library.call("dance"), "no command 'dance'"),
    ],
)
def test_words_that_make_no_sense_are_raised(does: Callable[[], Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        does()


def test_what_is_not_there_is_raised_by_cause(desk: Desk) -> None:
    with pytest.raises(NoBucket):
        library.sync("s3://not-here-at-all/", str(desk.here / "x"))
    with pytest.raises(AttributeError, match="no command 'dance'"):
        library.dance  # noqa: B018


def test_a_value_that_looks_like_an_option_is_a_value(desk: Desk) -> None:
    desk.file("-n", b"1")
    assert library.sync(f"{desk.folder}", desk.s3, include="-n").summary["done"] == 1


def test_threads_may_call_at_once(desk: Desk) -> None:
    desk.file("a", b"1")
    ends: list[library.Done] = []
    threads = [
        Thread(target=lambda n=n: ends.append(library.sync(f"{desk.folder}", f"{desk.s3}{n}/")))
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [one.summary["done"] for one in ends] == [1, 1, 1]


def test_the_examples_of_the_document_run(
    tmp_path: Path,
    moto: Endpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "backup").mkdir()
    (tmp_path / "source").mkdir()
    desk = Desk(tmp_path / "source", moto, capsys)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.url)
    desk.object("a.jpg", b"1")
    desk.object("b.tmp", b"1")
    page = (Path(__file__).resolve().parent.parent / "docs" / "python.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    backup = Desk(tmp_path / "backup", moto, capsys)
    names = {"s3://photos/": desk.s3, "s3://photos-backup/": backup.s3}

    text = "\n".join(blocks)
    for name, place in names.items():
        text = text.replace(name, place)
    exec(compile(text, "python.md", "exec"), {})

    first, second, third, fourth = capsys.readouterr().out.splitlines()
    assert first == "0 1 copied, 0 failed"
    assert second.endswith(" complete")
    assert third == "complete 2 copied or marked"
    assert fourth == "2 came back"
