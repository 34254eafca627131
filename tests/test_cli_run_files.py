"""`runs` and files that are in its way: where it writes, and what it reads."""

from __future__ import annotations

import os

import pytest

from bucketline.cli import main
from desk import Desk


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("word", ["export", "errors", "log", "report"])
def test_a_pipe_or_a_device_keeps_its_name(
    word: str, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.sync(str(desk.folder), str(desk.here / "copy"))
    pipe = desk.here / "pipe.json"
    os.mkfifo(pipe)

    assert main(["runs", word, "last", "-o", str(pipe)]) == 6

    assert "it is no file" in capsys.readouterr().err
    assert pipe.is_fifo()
    assert [one.name for one in desk.here.iterdir() if "pipe" in one.name] == ["pipe.json"]


@pytest.mark.usefixtures("surroundings")
def test_a_damaged_ledger_keeps_no_other_from_being_pruned(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        desk.sync(str(desk.folder), str(desk.here / "copy"))
    (desk.state / "a.ledger").write_bytes(b"no ledger at all" * 500)
    capsys.readouterr()

    assert main(["runs", "prune", "--keep", "1"]) == 6

    told = capsys.readouterr()
    assert "1 runs forgotten" in told.out
    assert "a.ledger" in told.err


@pytest.mark.usefixtures("surroundings")
def test_numbers_take_the_name_of_nothing_that_is_no_file(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = desk.here / "pipe.prom"
    os.mkfifo(pipe)
    for path in (pipe, desk.folder):
        words = ["sync", str(desk.folder), str(desk.here / "copy"), "--metrics-file", str(path)]
        assert main(words) == 2
        assert "is no file" in capsys.readouterr().err
    assert pipe.is_fifo()
