"""A file in parts that a process has left: the next one goes on with what is proven of it."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Broken, Interrupted, NotFound
from bucketline.flow.move.hints import NoHints, Upload
from bucketline.flow.move.proof import MovePolicy
from bucketline.flow.move.resume import left_upload
from bucketline.flow.run.terms import Stop
from bucketline.model import Attributes
from bucketline.stores.base import Flow, Part, Work
from bucketline.stores.digests import VOUCHED
from bucketline.stores.local import LocalStore, left
from bucketline.stores.local.left import Slot
from bucketline.stores.local.write import Place, Put
from flows import drive, listed

BODIES = [b"one" * 400_000, b"two" * 400_000, b"end"]
OFFSETS = [0, 1_200_000, 2_400_000]
SIZE = 2_400_003
TIME = "1700000000.123456789"
MTIME = Attributes(metadata={"mtime": TIME, "k": "v"})
WEEK = 7 * 86_400


class Remembers(NoHints):
    """One upload."""

    def __init__(self, one: Upload) -> None:
        self.one = one

    def of(self, key: str) -> Flow[list[Upload]]:
        yield from ()
        return [self.one] if key == self.one.key else []


def begun(folder: Path, numbers: tuple[int, ...] = (1, 2), algorithm: str = "") -> str:
    """An upload with these parts, by a process that is gone then; its name."""
    store = LocalStore(str(folder))
    upload: str = drive(store.begin("a/k", SIZE, attributes=MTIME))
    for number in numbers:
        send(store, upload, number, algorithm)
    for parts in store._uploads._parts.values():
        os.close(parts.put.file)
        parts.put.file = -1
    return upload


def send(store: LocalStore, upload: str, number: int, algorithm: str = "") -> str:
    body = BODIES[number - 1]
    checksum = None
    if algorithm:
        one = VOUCHED[algorithm]
        checksum = one.checksum(one.digest(body))
    receipt = drive(
        store.part("a/k", upload, number, body, offset=OFFSETS[number - 1], checksum=checksum)
    )
    return str(receipt.etag)


def left_in(folder: Path) -> list[Path]:
    return sorted((folder / "a").glob(".bucketline-*"))


@pytest.mark.parametrize("algorithm", ["", "crc64nvme"])
def test_what_came_is_there_and_the_rest_makes_it_whole(tmp_path: Path, algorithm: str) -> None:
    upload = begun(tmp_path, algorithm=algorithm)
    store = LocalStore(str(tmp_path))

    held = drive(store.list_parts("a/k", upload))
    etags = [*(part.etag for part in held), send(store, upload, 3, algorithm)]
    drive(store.finish("a/k", upload, etags))

    assert [part[:2] for part in held] == [(1, 1_200_000), (2, 1_200_000)]
    told = [part.checksum.algorithm if part.checksum else part.etag for part in held]
    assert told == [algorithm or hashlib.md5(body).hexdigest() for body in BODIES[:2]]
    file = tmp_path / "a" / "k"
    assert file.read_bytes() == b"".join(BODIES)
    assert file.stat().st_mtime_ns == 1_700_000_000_123_456_789
    assert drive(store.stat("a/k")).attributes.metadata == {"mtime": TIME, "k": "v"}
    assert left_in(tmp_path) == []


def test_what_the_disk_has_lost_did_not_come(tmp_path: Path) -> None:
    upload = begun(tmp_path)
    with left_in(tmp_path)[0].open("r+b") as file:
        file.seek(1_200_000)
        file.write(bytes(4096))

    held = drive(LocalStore(str(tmp_path)).list_parts("a/k", upload))

    assert held == [Part(1, 1_200_000, hashlib.md5(BODIES[0]).hexdigest())]


@pytest.mark.parametrize("damage", [b"\0" * 256, b'{"part":[0,', b'{"part":[-1,5,"x"]}', b"[]"])
def test_a_note_that_is_torn_tells_nothing(tmp_path: Path, damage: bytes) -> None:
    upload = begun(tmp_path)
    with left_in(tmp_path)[0].open("r+b") as file:
        file.seek(SIZE + 2 * 256)
        file.write(damage.ljust(256))

    store = LocalStore(str(tmp_path))
    if damage.startswith(b'{"part":[-1'):
        with pytest.raises(NotFound):
            drive(store.list_parts("a/k", upload))
    else:
        assert [part.number for part in drive(store.list_parts("a/k", upload))] == [1]


@pytest.mark.parametrize("upload", ["", "x", "0123456789abcdef", "0123456789abcdef-5", "../-5"])
def test_what_nobody_has_left_is_not_found(tmp_path: Path, upload: str) -> None:
    begun(tmp_path)

    with pytest.raises(NotFound):
        drive(LocalStore(str(tmp_path)).list_parts("a/k", upload))


def test_what_somebody_is_at_is_nobody_elses(tmp_path: Path) -> None:
    upload = begun(tmp_path)
    with left_in(tmp_path)[0].open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)

        with pytest.raises(NotFound):
            drive(LocalStore(str(tmp_path)).list_parts("a/k", upload))
        drive(LocalStore(str(tmp_path)).abandon("a/k", upload))

    assert len(left_in(tmp_path)) == 1


def test_what_is_given_up_is_removed_whoever_began_it(tmp_path: Path) -> None:
    upload = begun(tmp_path)

    drive(LocalStore(str(tmp_path)).abandon("a/k", upload))
    drive(LocalStore(str(tmp_path)).abandon("a/k", upload))

    assert list(tmp_path.rglob("*")) == []  # And the folder that was made for it.


def test_what_was_gone_on_with_and_given_up_leaves_no_folder(tmp_path: Path) -> None:
    upload = begun(tmp_path)
    store = LocalStore(str(tmp_path))
    drive(store.list_parts("a/k", upload))

    drive(store.abandon("a/k", upload))

    assert list(tmp_path.rglob("*")) == []


def test_what_nobody_was_told_of_is_found_by_its_key_and_removed(tmp_path: Path) -> None:
    begun(tmp_path, ())
    store = LocalStore(str(tmp_path))
    now = time.time()

    assert drive(store.list_uploads("a/other", is_key=True)) == []
    (found,) = drive(store.list_uploads("a/k", is_key=True))
    assert now - 60 < found.begun <= now
    lost = Upload("a/k", "", SIZE, 1 << 20, "f", started=now - 1)
    policy = MovePolicy(hints=Remembers(lost))
    assert drive(left_upload(replace(lost, upload="u"), store, policy)) is None

    assert list(tmp_path.iterdir()) == []


def test_what_came_or_is_under_way_is_not_called_untold(tmp_path: Path) -> None:
    begun(tmp_path, (1,))
    other = LocalStore(str(tmp_path))
    drive(other.begin("a/k", SIZE))
    (tmp_path / "a" / f".bucketline-{'0' * 16}.parts").write_bytes(b"[]")

    assert drive(LocalStore(str(tmp_path)).list_uploads("a/k", is_key=True)) == []
    assert len(left_in(tmp_path)) == 3


def test_it_is_kept_for_a_week_after_its_last_part(tmp_path: Path) -> None:
    begun(tmp_path)
    last = left_in(tmp_path)[0].stat().st_mtime
    for seconds, count in ((WEEK - 60, 1), (WEEK + 60, 0)):
        store = LocalStore(str(tmp_path), clock=FakeClock(last + seconds))
        assert [key for key in listed(store) if key.startswith("a/")] == []
        drive(store.write("other", b"1"))
        assert len(left_in(tmp_path)) == count


@pytest.mark.parametrize("size", [SIZE, SIZE // 2, 0])
def test_what_tells_nothing_any_more_is_removed_too(tmp_path: Path, size: int) -> None:
    """Its process ended between the cut and the name, for one."""
    upload = begun(tmp_path)
    os.truncate(left_in(tmp_path)[0], size)
    store = LocalStore(str(tmp_path))

    with pytest.raises(NotFound):
        drive(store.list_parts("a/k", upload))
    drive(store.abandon("a/k", upload))

    assert list(tmp_path.rglob("*")) == []


def test_a_note_without_room_costs_nothing_but_itself(tmp_path: Path) -> None:
    """As where a file system takes no file that is any larger."""
    store = LocalStore(str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE + 300, before[1]))
    try:
        upload: str = drive(store.begin("a/k", SIZE))
        etags = [send(store, upload, number) for number in (1, 2, 3)]
        drive(store.finish("a/k", upload, etags))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert (tmp_path / "a" / "k").read_bytes() == b"".join(BODIES)


def test_what_keeps_us_from_it_for_a_while_loses_nothing(tmp_path: Path) -> None:
    """No more descriptors, for one: it is neither gone nor anybody else's."""
    upload = begun(tmp_path)
    store = LocalStore(str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        for flow in (store.list_parts("a/k", upload), store.abandon("a/k", upload)):
            with pytest.raises(Broken):
                drive(flow)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert [part.number for part in drive(store.list_parts("a/k", upload))] == [1, 2]


def test_without_locks_it_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begun(tmp_path)

    def no_locks(file: object, what: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(left, "flock", no_locks)

    held = drive(LocalStore(str(tmp_path)).list_parts("a/k", upload))
    assert [part.number for part in held] == [1, 2]


def test_a_stretch_that_cannot_be_read_did_not_come(tmp_path: Path) -> None:
    put = Put(Place(str(tmp_path), None, FakeClock(0.0)), "k")
    put.file = os.open(tmp_path, os.O_RDONLY)  # Reading a folder fails, as a bad sector does.
    try:
        assert not left.is_there(put, Slot(0, 5, "0" * 32))
    finally:
        os.close(put.file)


@pytest.mark.parametrize("said", [f'[0,{10**30},"x"]', '[0,5,"x","md9","AAAA"]'])
def test_a_note_of_something_else_is_no_note(tmp_path: Path, said: str) -> None:
    upload = begun(tmp_path)
    with left_in(tmp_path)[0].open("r+b") as file:
        file.seek(SIZE + 256)
        file.write(f'{{"part":{said}}}'.encode().ljust(256))

    with pytest.raises(NotFound):
        drive(LocalStore(str(tmp_path)).list_parts("a/k", upload))


def test_who_turns_away_while_it_is_read_back_lets_go_of_it(tmp_path: Path) -> None:
    upload = begun(tmp_path)
    looking = LocalStore(str(tmp_path)).list_parts("a/k", upload)
    first = looking.send(None)
    assert isinstance(first, Work)
    looking.send(first.call())  # It is open now, and its first part not yet read.
    looking.close()

    held = drive(LocalStore(str(tmp_path)).list_parts("a/k", upload))
    assert [part.number for part in held] == [1, 2]


def test_a_wish_to_end_is_heard_while_it_is_read_back(tmp_path: Path) -> None:
    upload = begun(tmp_path)
    store = LocalStore(str(tmp_path))
    wanted = Upload("a/k", "", SIZE, OFFSETS[1], "e", "f")
    hints = Remembers(replace(wanted, upload=upload))
    stop = Stop()
    looking = left_upload(wanted, store, MovePolicy(hints=hints, wish=stop))
    effect = looking.send(None)
    assert isinstance(effect, Work)

    stop.drain = True
    with pytest.raises(Interrupted, match="that is kept; run again"):
        looking.send(effect.call())

    assert [part.number for part in drive(store.list_parts("a/k", upload))] == [1, 2]
