"""A big object in the middle: what a process left, the next one goes on with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.errors import Broken, Denied, Interrupted, Unsupported
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.ledger.uploads import LedgerHints
from bucketline.flow.move.leftovers import clear_uploads
from bucketline.flow.move.proof import MovePolicy
from bucketline.model import Attributes, Copy, Entry, Outcome, Proof, Skip
from bucketline.stores.base import Flow, OpenUpload
from bucketline.stores.memory import Held, MemoryStore
from crossing import SMALL, Crossing, Fault, finishing, lost, md5, refused

BODY = bytes(range(48))  # Six parts of eight bytes.
MARK = 3600.0


class Killed(BaseException):
    """The process is gone: no handler of the product may see this."""


def kill(call: Callable[[], Any]) -> Any:
    raise Killed


def kill_after(call: Callable[[], Any]) -> Any:
    call()
    raise Killed


@dataclass
class Wish:
    cuts: bool = False


class Target(MemoryStore):
    """Tells when uploads began by the clock of those who ask."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__("target")
        self.able = replace(self.able, part_size_max=8)
        self.clock = clock

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        told = yield from super().list_uploads(prefix, is_key=is_key)
        strange = self.clock.now() - MARK
        return [one._replace(begun=strange if "strange" in one.upload else 0.0) for one in told]


@dataclass
class Job:
    """One object to be moved, by one process after the other."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(0.0))
    policy: MovePolicy = SMALL
    ledger: Ledger = field(default_factory=lambda: Ledger.open(":memory:"))
    attributes: Attributes = field(default_factory=Attributes)

    def __post_init__(self) -> None:
        self.crossing = Crossing(BODY, target=Target(self.clock))
        self.target = self.crossing.target
        self.ledger.begin(RunHead("run", "sync", "s", "t"))

    def run(self, **faults: Fault) -> Outcome:
        """A process; faults by verb and number: part_3=kill."""
        crossing = self.crossing
        named = {name.rpartition("_")[::2]: fault for name, fault in faults.items()}
        crossing.faults = {
            (f"{verb} {'s' if verb == 'read' else 't'}", int(number)): fault
            for (verb, number), fault in named.items()
        }
        crossing.works.clear()
        hints = LedgerHints(self.ledger.uploads, self.clock)
        outcome = crossing.copy(replace(self.policy, hints=hints))
        entry = Entry("s", len(crossing.body))
        self.ledger.record([], [(Copy(entry, "t"), outcome)], Skip(0, 0))
        return outcome

    def killed(self, **faults: Fault) -> None:
        with pytest.raises(Killed):
            self.run(**faults)

    @property
    def works(self) -> Counter[str]:
        return Counter(self.crossing.works)

    @property
    def remembered(self) -> list[str]:
        return [one.upload for one in self.ledger.uploads.all()]


def test_parts_that_arrived_are_not_sent_again() -> None:
    job = Job()
    job.killed(part_4=kill)
    outcome = job.run()
    assert outcome.proof is Proof.MD5_PARTS
    assert job.works["part t"] == 3
    assert job.works["begin t"] == 0
    assert job.target.bodies() == {"t": BODY}
    assert job.target.uploads == {}
    assert job.remembered == []


def test_a_part_whose_answer_was_lost_is_compared_and_not_sent_again() -> None:
    job = Job()
    job.killed(part_4=kill_after)
    job.run()
    assert job.works["part t"] == 2
    assert job.target.bodies() == {"t": BODY}


def test_a_part_that_arrived_as_other_bytes_is_sent_again() -> None:
    job = Job()
    job.killed(part_4=kill_after)
    (upload,) = job.target.uploads.values()
    upload.parts[4] = (24, b"damaged!")
    upload.parts[2] = (8, b"damaged!")
    job.run()
    assert job.works["part t"] == 4
    assert job.target.bodies() == {"t": BODY}


def test_where_nobody_lists_parts_the_remembered_ones_serve() -> None:
    job = Job()
    job.target.able = replace(job.target.able, lists_parts=False)
    job.killed(part_4=kill_after)
    job.run()
    assert job.works["list_parts t"] == 0
    assert 3 <= job.works["part t"] <= 4  # One's note was under way.
    assert job.target.bodies() == {"t": BODY}


def test_an_upload_that_is_gone_is_begun_anew() -> None:
    job = Job()
    for lists in (True, False):
        job.target.able = replace(job.target.able, lists_parts=lists)
        job.killed(part_4=kill)
        job.target.uploads.clear()
        assert job.run().proof is Proof.MD5_PARTS
        assert 6 <= job.works["part t"] <= 8  # Those that were refused, too.
        assert job.target.bodies() == {"t": BODY}
        assert job.remembered == []


@pytest.mark.parametrize("change", ["source", "part size", "attributes"])
def test_parts_of_another_object_are_abandoned(change: str) -> None:
    job = Job()
    job.killed(part_4=kill)
    held = job.crossing.source.objects["s"]
    if change == "source":
        held = Held(BODY[::-1], md5(BODY[::-1]))
    if change == "attributes":
        held = replace(held, attributes=Attributes(metadata={"a": "b"}))
    if change == "part size":
        job.target.able = replace(job.target.able, part_size_max=9)
    job.crossing.source.objects["s"] = held
    job.run()
    assert job.works["begin t"] == 1
    assert job.works["abandon t"] == 1
    assert job.target.bodies() == {"t": held.body}
    assert job.target.uploads == {}


def test_an_upload_begun_right_before_the_end_is_found_and_a_strangers_is_left_alone() -> None:
    job = Job()
    job.killed(begin_1=kill_after)
    assert job.remembered == [""]
    strange = replace(next(iter(job.target.uploads.values())))
    job.target.uploads["strange"] = strange
    job.run()
    assert list(job.target.uploads) == ["strange"]
    assert job.remembered == []


def test_who_may_not_list_uploads_moves_on_all_the_same() -> None:
    job = Job()
    job.killed(begin_1=kill_after)

    def denied(call: Callable[[], Any]) -> Any:
        raise Denied("not you")

    job.run(list_uploads_1=denied)
    assert job.target.bodies() == {"t": BODY}
    assert job.remembered == []


def test_a_finished_object_whose_proof_was_not_written_is_recognised() -> None:
    job = Job()
    job.killed(finish_1=kill_after)
    outcome = job.run()
    assert outcome.proof is Proof.MD5_PARTS
    assert job.works["part t"] == job.works["finish t"] == 0
    assert job.remembered == []


def test_another_object_that_stands_there_meanwhile_is_not_taken_for_it() -> None:
    job = Job()
    job.killed(finish_1=kill_after)
    job.target.objects["t"] = Held(BODY[::-1], md5(BODY[::-1]))
    job.run()
    assert job.works["part t"] == 6
    assert job.target.bodies() == {"t": BODY}


@pytest.mark.parametrize("fault", [refused, lost])
def test_a_failure_that_passes_leaves_the_parts_for_the_next_run(fault: Fault) -> None:
    job = Job()
    with pytest.raises(Broken):
        job.run(part_4=fault)
    assert len(job.target.uploads) == 1
    job.run()
    assert job.works["part t"] <= 3
    assert job.target.uploads == {}


def test_a_wish_to_end_is_heeded_between_parts_and_nothing_is_lost() -> None:
    wish = Wish()
    job = Job(policy=replace(SMALL, wish=wish))

    def ask_to_end(call: Callable[[], Any]) -> Any:
        wish.cuts = True
        return call()

    with pytest.raises(Interrupted, match="run again"):
        job.run(part_3=ask_to_end)
    assert len(job.remembered) == 1
    wish.cuts = False
    job.run()
    assert 0 < job.works["part t"] <= 3
    assert job.target.bodies() == {"t": BODY}


def test_without_a_memory_a_wish_to_end_waits_for_the_object() -> None:
    crossing = Crossing(BODY)
    crossing.copy(replace(SMALL, wish=Wish(cuts=True)))
    assert crossing.target.bodies() == {"t": BODY}


def test_what_nobody_goes_on_with_is_removed() -> None:
    job = Job()
    job.killed(part_4=kill)
    hints = LedgerHints(job.ledger.uploads, job.clock)
    assert job.crossing.run(clear_uploads(hints.left, job.target, hints)) == []
    assert job.target.uploads == {}
    assert job.remembered == []


def test_what_cannot_be_removed_stays_remembered() -> None:
    job = Job()
    job.killed(part_4=kill)
    hints = LedgerHints(job.ledger.uploads, job.clock)
    job.crossing.works.clear()
    job.crossing.faults = {("abandon t", 1): refused}
    (stuck,) = job.crossing.run(clear_uploads(hints.left, job.target, hints))
    assert job.remembered == [stuck.upload]


def test_the_source_is_read_again_where_its_etag_tells_of_the_whole() -> None:
    job = Job()
    job.killed(part_4=kill)
    job.crossing.source.able = replace(job.crossing.source.able, etag_is_md5=False)
    job.run()
    assert job.works["part t"] == 3
    assert job.works["read s"] == 4  # One had arrived, and its note was under way.


def test_parts_larger_than_an_answer_are_read_as_ranges_and_sent_whole() -> None:
    job = Job(policy=replace(SMALL, answer_max=3))
    job.run()
    assert job.works["read s"] == 18
    assert job.works["part t"] == 6
    job.run(finish_1=finishing(job.crossing, BODY))
    assert job.works["read t"] == 18


def test_who_cannot_list_parts_says_so_once() -> None:
    job = Job()
    job.killed(part_4=kill)

    def unknown(call: Callable[[], Any]) -> Any:
        raise Unsupported("what is that?")

    job.run(list_parts_1=unknown)
    assert 3 <= job.works["part t"] <= 4
