"""Logs in a store: whole or not there, and never two runs under one name."""

from __future__ import annotations

import io
import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Denied, NotFound, Unreachable
from bucketline.flow.drive import blocking
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.report.log_file import Shelf
from bucketline.flow.report.log_keeper import Kept, LogKeeper
from bucketline.model import Entry, Skip
from bucketline.stores.base import Flow, Piece, Store, Work
from bucketline.stores.local import LocalStore
from bucketline.stores.memory import MemoryStore

START = 1_700_000_000


class Unconditional(MemoryStore):
    """A server that does not know conditions."""

    def __init__(self) -> None:
        super().__init__()
        self.able = self.able.__class__(**{**_words(self.able), "conditional_write": False})


def _words(able: Any) -> dict[str, Any]:
    return {name: getattr(able, name) for name in able.__slots__}


class WriteOnly(MemoryStore):
    """An identity that may write and nothing else."""

    def read(self, key: str, **_: Any) -> Flow[Piece]:
        yield from ()
        raise Denied("403", store=self.name, key=key)


def log(run: str, size: int = 0) -> io.BytesIO:
    return io.BytesIO(json.dumps({"run": run, "pad": "x" * size}).encode())


def put(store: Store, run: str, size: int = 0, shelf: Shelf | None = None) -> str:
    return blocking((shelf or Shelf(store, "logs/")).put(run, START, log(run, size)))


def holders(store: Store) -> dict[str, str]:
    page = blocking(store.page("logs/"))
    return {
        entry.key: json.loads(blocking(store.read(entry.key)).body)["run"] for entry in page.entries
    }


@pytest.mark.parametrize("store", [MemoryStore(), Unconditional()], ids=["able", "plain"])
def test_runs_of_one_second_never_write_over_each_other(store: Store) -> None:
    for run in ("one", "two", "one", "three", "two"):
        put(store, run)

    assert holders(store) == {
        f"logs/dt_data_{START}.json": "one",
        f"logs/dt_data_{START + 1}.json": "two",
        f"logs/dt_data_{START + 2}.json": "three",
    }


class Overtaken(MemoryStore):
    """Right after the first look, another run takes the name."""

    is_first = True

    def read(self, key: str, **how: Any) -> Flow[Piece]:
        if not self.is_first:
            return (yield from super().read(key, **how))
        self.is_first = False
        yield from self.write(key, b'{"run": "two"}')
        raise NotFound("there is no such object", store=self.name, key=key)


def test_two_at_once_are_told_apart_by_the_store() -> None:
    store = Overtaken()

    assert put(store, "one") == f"logs/dt_data_{START + 1}.json"
    assert set(holders(store).values()) == {"one", "two"}


def test_a_log_of_somebody_else_is_left_alone() -> None:
    store = MemoryStore()
    blocking(store.write(f"logs/dt_data_{START}.json", b'{"status": "Completed"}'))

    assert put(store, "one") == f"logs/dt_data_{START + 1}.json"


def test_a_big_log_crosses_in_parts() -> None:
    store = MemoryStore()
    key = put(store, "one", size=20 << 20)

    assert json.loads(blocking(store.read(key)).body)["pad"] == "x" * (20 << 20)


def test_who_may_only_write_keeps_a_log_too() -> None:
    store = WriteOnly()
    shelf = Shelf(store, "logs/")

    names = {put(store, run, shelf=shelf) for run in ("one", "two", "one")}

    assert names == {f"logs/dt_data_{START}.json", f"logs/dt_data_{START + 1}.json"}


class Flaky(MemoryStore):
    """Cannot be reached as often as it is told."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def read(self, key: str, **how: Any) -> Flow[Piece]:
        if self.failures:
            self.failures -= 1
            raise Unreachable("no route", store=self.name)
        return (yield from super().read(key, **how))


def keeper(folder: Path, store: Store, notices: list[str]) -> tuple[Ledger, LogKeeper]:
    ledger = Ledger.open(folder / "job.ledger", clock=FakeClock(START))
    ledger.begin(RunHead("run-1", "sync", "s", "t"))
    kept = Kept(
        place="s3://logs/",
        ledger=ledger.path,
        run="run-1",
        clock=FakeClock(START),
        shelf=lambda: Shelf(store, "logs/"),
        found=lambda: 0,
        notice=notices.append,
        masked=lambda text: text.replace("sesame", "••••"),
    )
    return ledger, LogKeeper(kept)


def status(store: Store) -> tuple[str, str]:
    said = json.loads(blocking(store.read(f"logs/dt_data_{START}.json")).body)
    return said["status"], said["state"]


def test_the_log_runs_and_then_says_how_the_run_ended(tmp_path: Path) -> None:
    store, notices = MemoryStore(), list[str]()
    ledger, keeping = keeper(tmp_path, store, notices)
    keeping.write("run-1")
    before = status(store), list(keeping.settled)
    ledger.end("waiting")
    keeping.write("run-1")
    ledger.close()

    assert before == (("Running", "running"), [])
    assert (status(store), keeping.settled, notices) == (("Failed", "waiting"), ["run-1"], [])


def test_the_end_is_written_by_the_thread(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger, keeping = keeper(tmp_path, store, [])
    keeping.start()
    ledger.end("complete")
    keeping.finish(lambda: False)
    ledger.close()

    assert status(store) == ("Completed", "complete")


def test_a_place_that_fails_is_told_once_and_tried_again(tmp_path: Path) -> None:
    store, notices = Flaky(3), list[str]()
    ledger, keeping = keeper(tmp_path, store, notices)
    for _ in range(3):
        keeping.write("run-1")
    once = list(notices)
    keeping.write("run-1")
    store.failures = 1
    keeping.write("run-1")
    ledger.close()

    assert len(once) == 1
    assert "s3://logs/: no log for now" in once[0]
    assert "no route" in once[0]
    assert status(store)[0] == "Running"
    assert len(notices) == 2


def test_an_end_that_cannot_be_written_stays_owed(tmp_path: Path) -> None:
    store, notices = Flaky(99), list[str]()
    ledger, keeping = keeper(tmp_path, store, notices)
    keeping.start()
    ledger.end("complete")
    keeping.finish(lambda: False)
    ledger.close()

    assert keeping.settled == []
    assert "no route; the job's next run writes it" in notices[-1]
    assert "`bucketline runs log run-1 -o s3://logs/`" in notices[-1]


class Stuck(MemoryStore):
    """Does not answer before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = Event()

    def read(self, key: str, **how: Any) -> Flow[Piece]:
        yield Work(self.answers.wait)
        return (yield from super().read(key, **how))


def test_a_place_that_does_not_answer_is_not_waited_for_by_who_is_in_a_hurry(
    tmp_path: Path,
) -> None:
    store, notices = Stuck(), list[str]()
    ledger, keeping = keeper(tmp_path, store, notices)
    keeping.start()
    ledger.end("complete")
    keeping.finish(lambda: True)
    told = list(notices)
    store.answers.set()
    keeping.finish(lambda: False)
    ledger.close()

    assert "is not whole: its place was not waited for" in told[0]
    assert keeping.settled == ["run-1"]


def test_one_of_many_looks_that_finds_nothing_leaves_no_log(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger, keeping = keeper(tmp_path, store, [])
    keeping.skips_idle = True
    ledger.record([], [], Skip(3, 30))
    ledger.end("complete")
    keeping.write("run-1")
    ledger.close()

    assert (keeping.settled, list(store.objects)) == (["run-1"], [])


def test_no_secret_gets_into_a_log(tmp_path: Path) -> None:
    store = MemoryStore()
    ledger, keeping = keeper(tmp_path, store, [])
    ledger.end("failed", "the server said: sesame")
    keeping.write("run-1")
    ledger.close()

    body = blocking(store.read(f"logs/dt_data_{START}.json")).body.decode()
    assert "the server said: ••••" in body


def test_a_folder_holds_a_log_or_none(store: LocalStore, root: Path) -> None:
    put(store, "one")
    put(store, "two")

    assert sorted(path.name for path in root.rglob("*.json")) == [
        f"dt_data_{START}.json",
        f"dt_data_{START + 1}.json",
    ]
    assert [entry for entry in root.rglob("*") if entry.is_file() and entry.suffix != ".json"] == []
    assert isinstance(blocking(store.page("logs/")).entries[0], Entry)
