"""A ledger's place: what it refuses, who may write it, and how it says so."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from bucketline.errors import LedgerError, Refused
from bucketline.flow.ledger import Ledger, RunHead, job_path, new_run_id, place
from bucketline.flow.ledger.place import refuse_remote
from bucketline.flow.ledger.schema import VERSION
from bucketline.model import Copy, Entry, Fate, Outcome, Proof, Skip, Tally
from bucketline.settings import Secret

NONE = Skip(0, 0)

HEAD = RunHead("run-1", "sync", "s3://a/", "s3://b/")


def copy(key: str) -> Copy:
    return Copy(Entry(key, 3, etag="source"), key)


def done(size: int = 3) -> Outcome:
    return Outcome(Fate.DONE, size, Proof.ETAG, "source", "target")


def move(ledger: Ledger, key: str, outcome: Outcome) -> None:
    ledger.record([copy(key)], [], NONE)
    ledger.record([], [(copy(key), outcome)], NONE)


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


def test_a_refused_line_does_not_stop_the_next(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "job.ledger") as ledger:
        ledger.begin(HEAD)
        with pytest.raises(LedgerError, match=r"UNIQUE constraint failed: runs\.run"):
            ledger.begin(HEAD)
        move(ledger, "a", done())
        assert ledger.tally() == Tally(done=1, bytes_done=3)


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


def test_a_ledger_of_an_older_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    with Ledger.open(path) as ledger:
        ledger._db.pragma("user_version", 1)

    with pytest.raises(LedgerError, match=r"older bucketline [(]format 1, this one writes"):
        Ledger.open(path)


def test_a_ledger_of_a_newer_version_is_refused_and_its_lock_let_go(tmp_path: Path) -> None:
    path = tmp_path / "job.ledger"
    with Ledger.open(path) as ledger:
        ledger._db.pragma("user_version", VERSION + 1)
    for _ in range(2):
        with pytest.raises(
            LedgerError, match=rf"newer bucketline [(]format {VERSION + 1}, this one"
        ):
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


def test_no_ledger_is_opened_on_a_remote_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_REMOTE", re.compile(".*"))  # Whatever this disk is.
    with pytest.raises(LedgerError, match="needs a local disk"):
        Ledger.open(tmp_path / "job.ledger")
    assert list(tmp_path.iterdir()) == []


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
