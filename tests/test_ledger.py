"""The ledger: what it was told is there, adds up, and is written by one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.clock import FakeClock
from bucketline.errors import LedgerError, Refused
from bucketline.flow.ledger import Known, Ledger, RunHead, Upload, job_path, new_run_id
from bucketline.flow.ledger_place import refuse_remote
from bucketline.model import Action, Copy, Delete, Entry, Fate, Outcome, Proof, Skip, Tally
from bucketline.settings import Secret

NONE = Skip(0, 0)
DENIED = Outcome(Fate.FAILED, cause="Denied", message="not allowed")
HEAD = RunHead("run-1", "sync", "s3://a/", "s3://b/")


def copy(key: str, size: int = 3) -> Copy:
    return Copy(Entry(key, size, etag="source"), key)


def done(size: int = 3, source: str = "source", target: str = "target") -> Outcome:
    return Outcome(Fate.DONE, size, Proof.ETAG, source, target, hashes={"md5": target})


def memory(run: str = "run-1") -> Ledger:
    ledger = Ledger.open(":memory:", clock=FakeClock())
    ledger.begin(RunHead(run, "sync", "s3://a/", "s3://b/"))
    return ledger


def move(ledger: Ledger, key: str, outcome: Outcome) -> None:
    ledger.record([copy(key)], [], NONE)
    ledger.record([], [(copy(key), outcome)], NONE)


# What it remembers


def test_a_copy_that_is_proven_is_known() -> None:
    ledger = memory()
    move(ledger, "a", done(7, "s", "t"))
    assert ledger.known(["a", "b"]) == {"a": Known(7, "s", "t")}


def test_an_intent_is_in_doubt_until_its_fate_is_told() -> None:
    ledger = memory()
    ledger.record([copy("b"), copy("a")], [], NONE)
    assert ledger.in_doubt() == ["a", "b"]
    ledger.record([], [(copy("a"), done())], NONE)
    assert ledger.in_doubt("run-1") == ["b"]
    assert ledger.in_doubt("another run") == []
    assert ledger.tally() == Tally(done=1, under_way=1, bytes_done=3)


def test_a_later_failure_does_not_forget_the_last_proven_copy() -> None:
    ledger = memory()
    move(ledger, "a", done(7, "s", "t"))
    ledger.begin(RunHead("run-2", "sync", "s3://a/", "s3://b/"))
    move(ledger, "a", DENIED)
    assert ledger.known(["a"]) == {"a": Known(7, "s", "t")}
    assert ledger.complaints() == []


def test_a_deleted_object_is_known_no_more() -> None:
    ledger = memory()
    move(ledger, "a", done())
    ledger.record([], [(Delete(Entry("a", 3)), Outcome(Fate.DONE))], NONE)
    assert ledger.known(["a"]) == {}
    move(ledger, "a", done(9))
    assert ledger.known(["a"])["a"].size == 9


@pytest.mark.parametrize("key", ["", "a'b", "a\nb", "\0", "a//b", "😀", "\ufffe", "k" * 1024, "%"])
def test_every_key_is_remembered_as_it_is(key: str) -> None:
    ledger = memory()
    move(ledger, key, done())
    assert ledger.known([key, "other"]) == {key: Known(3, "source", "target")}


def test_a_fate_without_an_intent_counts_and_leaves_nothing_under_way() -> None:
    ledger = memory()
    ledger.record([], [(Delete(Entry("a", 1)), Outcome(Fate.WAITING, cause="HeldBack"))], NONE)
    assert ledger.tally() == Tally(waiting=1)
    assert ledger.complaints() == []


KEYS = st.sampled_from("abcd")
OUTCOMES = st.builds(Outcome, st.sampled_from(list(Fate)[1:]), st.integers(0, 9))
BATCHES = st.tuples(st.lists(KEYS, max_size=3), st.lists(st.tuples(KEYS, st.booleans(), OUTCOMES)))
TOLD = st.lists(st.tuples(BATCHES, st.integers(0, 5), st.booleans()), max_size=12)


@given(TOLD)
@settings(deadline=None, max_examples=60)
def test_counters_and_known_copies_agree_with_a_plain_model(
    told: list[tuple[tuple[list[str], list[tuple[str, bool, Outcome]]], int, bool]],
) -> None:
    ledger = memory()
    counts: Counter[Fate] = Counter()
    under_way: set[str] = set()
    proven: dict[str, int] = {}
    for number, ((begun, ended), skipped, is_new_run) in enumerate(told):
        if is_new_run:
            ledger.begin(RunHead(f"next-{number}", "sync", "a", "b"))
            counts, under_way = Counter(), set()
        ends: list[tuple[Action, Outcome]] = [
            (Delete(Entry(key, 1)) if is_delete else copy(key), end)
            for key, is_delete, end in ended
        ]
        ledger.record([copy(key) for key in begun], ends, Skip(skipped, skipped))
        counts[Fate.SKIPPED] += skipped
        under_way = (under_way | set(begun)) - {key for key, _, _ in ended}
        for key, is_delete, end in ended:
            counts[end.fate] += 1
            if end.fate is Fate.DONE:
                proven.pop(key, None)
                proven |= {} if is_delete else {key: end.size}
    tally = ledger.tally()
    assert [tally.skipped, tally.done, tally.failed, tally.waiting, tally.under_way] == [
        *(counts[fate] for fate in (Fate.SKIPPED, Fate.DONE, Fate.FAILED, Fate.WAITING)),
        len(under_way),
    ]
    assert ledger.in_doubt() == sorted(under_way)
    assert {key: known.size for key, known in ledger.known("abcd").items()} == proven
    assert ledger.complaints() == []


def test_what_is_derived_can_be_made_again() -> None:
    ledger = memory()
    move(ledger, "a", done(7))
    ledger._db.execute("UPDATE current SET size = 8; UPDATE counters SET count = 5")
    assert [said.split(":")[0] for said in ledger.complaints()] == ["counters", "current"]
    ledger.rebuild()
    assert ledger.known(["a"])["a"].size == 7


# What it refuses, and how it says so


def test_a_secret_in_the_configuration_stays_one() -> None:
    ledger = Ledger.open(":memory:")
    keys = {"secret_key": Secret("demo-secret-not-real"), "workers": 4}
    ledger.begin(RunHead("r", "sync", "a", "b", configuration={"remote": keys}))
    text = ledger._db.execute("SELECT configuration FROM runs").get
    assert "demo-secret-not-real" not in text
    assert '"workers": 4' in text


def test_a_batch_that_does_not_fit_on_the_disk_leaves_no_trace(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "job.ledger") as ledger:
        ledger.begin(HEAD)
        move(ledger, "a", done())
        pages = ledger._db.pragma("page_count")
        ledger._db.pragma("max_page_count", pages + 1)
        many = [copy(f"{number:04}" * 50) for number in range(200)]
        with pytest.raises(LedgerError, match=r"job\.ledger: its disk is full; make room"):
            ledger.record(many, [(copy("b"), done())], Skip(1, 1))
        assert ledger.tally() == Tally(done=1, bytes_done=3)
        ledger._db.pragma("max_page_count", pages + 1000)
        ledger.record(many, [(copy("b"), done())], Skip(1, 1))
        assert ledger.tally().under_way == 200
        assert ledger.complaints() == []


def test_a_ledger_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "job.ledger") as ledger:
        ledger._db.pragma("query_only", 1)
        with pytest.raises(LedgerError, match="read-only"):
            ledger.begin(HEAD)


def test_a_damaged_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerError, match="damaged; move it away"):
        Ledger.open(path)


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE theirs(a)")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="no ledger of bucketline"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_version_is_refused_and_its_lock_let_go(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger._db.pragma("user_version", 2)
    for _ in range(2):
        with pytest.raises(LedgerError, match="newer bucketline [(]format 2, this one"):
            Ledger.open(path)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_a_remote_disk_is_refused(tmp_path: Path, kind: str) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mounts"
    place = f"{os.major(device)}:{os.minor(device)}"
    lines = f"22 1 0:99 / / rw - ext4 /dev/x rw\n23 1 {place} / /x rw shared:1 - {kind} x:/ rw\n"
    mounts.write_text(lines)
    with pytest.raises(LedgerError, match=f"local disk, this one is {kind}; choose another"):
        refuse_remote(tmp_path, mounts)
    mounts.write_text(lines.replace(kind, "xfs"))
    refuse_remote(tmp_path, mounts)


def test_a_state_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(LedgerError, match="cannot hold a ledger there"):
        Ledger.open(tmp_path / "state" / "job.ledger")


# One writer, one file a job


def test_a_ledger_is_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger.begin(HEAD)
        modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}


def test_a_second_instance_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with (
        Ledger.open(path),
        pytest.raises(Refused, match=rf"as process {os.getpid()} on {os.uname().nodename}; wait"),
    ):
        Ledger.open(path)
    Ledger.open(path).close()


HOLD = """
import sys
from bucketline.flow.ledger import *
from bucketline.model import *
ledger = Ledger.open(sys.argv[1])
ledger.begin(RunHead("killed", "sync", "a", "b"))
ledger.record([Copy(Entry("k", 1), "k")], [], Skip(4, 40))
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_its_lines_and_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    command = [sys.executable, "-c", HOLD, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        with pytest.raises(Refused, match=f"process {holder.pid} on "):
            Ledger.open(path)
        holder.send_signal(signal.SIGKILL)
    with Ledger.open(path) as ledger:
        assert ledger.in_doubt() == ["k"]
        assert ledger.complaints() == []


def test_another_thread_asks_while_lines_are_written(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "job.ledger") as ledger:
        ledger.begin(HEAD)
        found: list[int] = []

        def ask() -> None:
            found.extend(len(ledger.known([f"{n}" for n in range(40)])) for _ in range(50))

        thread = threading.Thread(target=ask)
        thread.start()
        for number in range(40):
            move(ledger, f"{number}", done())
        thread.join()
        assert len(found) == 50
        assert found == sorted(found)
        assert len(ledger.known([f"{n}" for n in range(40)])) == 40


def test_a_job_has_one_readable_file(tmp_path: Path) -> None:
    path = job_path(tmp_path, "sync", "s3://Photos/2024/", "/backup/../x")
    assert path.parent == tmp_path
    assert path.name.startswith("sync-s3-photos-2024-backup-x-")
    assert path.suffix == ".ledger"
    assert path == job_path(tmp_path, "sync", "s3://Photos/2024/", "/backup/../x")


def test_other_jobs_have_other_files(tmp_path: Path) -> None:
    jobs = [("sync", "a", "b"), ("sync", "b", "a"), ("sync", "a/", "b"), ("check", "a", "b")]
    paths = {job_path(tmp_path, *job) for job in jobs}
    paths |= {
        job_path(tmp_path, "sync", "a", "b", "nightly"),
        job_path(tmp_path, "s", "é" * 99, ""),
    }
    assert len(paths) == 6


def test_run_ids_sort_by_time() -> None:
    first, second = new_run_id(1_700_000_000.0), new_run_id(1_700_000_001.0)
    assert first.startswith("20231114-221320-")
    assert first < second
    assert new_run_id(0.0) != new_run_id(0.0)


# Keeping it small, and resuming


def test_pruned_runs_are_gone_and_their_copies_still_known() -> None:
    ledger = memory("run-0")
    move(ledger, "old", done(7))
    for number in (1, 2, 3):
        ledger.begin(RunHead(f"run-{number}", "sync", "a", "b"))
        move(ledger, f"key-{number}", done())
    assert ledger.prune(2) == 2
    assert [run for (run,) in ledger._db.execute("SELECT DISTINCT run FROM history")] == [
        "run-2",
        "run-3",
    ]
    assert len(ledger.known(["old", "key-1", "key-2", "key-3"])) == 4
    ledger.rebuild()
    assert ledger.known(["old"])["old"].size == 7
    assert ledger.complaints() == []


def test_pruning_never_touches_the_run_under_way() -> None:
    ledger = memory()
    move(ledger, "a", done())
    assert ledger.prune(0) == 0
    assert ledger.tally().done == 1


def test_a_pruning_that_was_cut_short_is_finished_by_the_next() -> None:
    ledger = memory("run-0")
    move(ledger, "a", done())
    ledger.begin(RunHead("run-1", "sync", "a", "b"))
    move(ledger, "b", done())
    ledger._db.execute("DELETE FROM runs WHERE run = 'run-0'; DELETE FROM counters WHERE run = 1")
    assert ledger.complaints() == []
    assert ledger.prune(5) == 0
    assert ledger._db.execute("SELECT count(*) FROM lines").get == 2


def test_an_upload_is_remembered_until_it_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger.uploads.remember(Upload("big", "id-1", 100, 40, "source", 1.0))
        ledger.uploads.remember(Upload("big", "id-2", 100, 50, "source", 2.0))
        ledger.uploads.remember_parts("big", "id-1", {2: "two", 1: "one"})
        ledger.uploads.remember_parts("big", "id-1", {2: "two again"})
    with Ledger.open(path) as ledger:
        newest, older = ledger.uploads.of("big")
        assert newest == Upload("big", "id-2", 100, 50, "source", 2.0, {})
        assert older.parts == {1: "one", 2: "two again"}
        ledger.uploads.forget("big", "id-1")
        ledger.uploads.forget("big", "id-1")
        assert ledger.uploads.all() == [newest]
