"""Room on volumes: promised before a byte is fetched, and never more than there is."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bucketline.stores.spool.room import Marks, Room, needed

MIB = 1 << 20
SIZE = 64 * MIB


class Books(RuleBasedStateMachine):
    """A disk that others use, too, against its books."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room(Marks(high=0.90, low=0.75, floor=MIB))
        self.foreign = 0
        self.on_disk: dict[str, int] = {}
        self.wanted: dict[str, int] = {}
        self.measure()

    @property
    def used(self) -> int:
        return self.foreign + sum(self.on_disk.values())

    def measure(self) -> None:
        self.room.measured(SIZE, SIZE - self.used)

    @rule(key=st.sampled_from("abcdef"), size=st.integers(0, 20 * MIB))
    def promise(self, key: str, size: int) -> None:
        if key in self.wanted or key in self.on_disk:
            return
        self.measure()
        if self.room.promise(key, needed(size)):
            self.wanted[key] = size

    @rule(key=st.sampled_from("abcdef"), share=st.floats(0, 1))
    def write(self, key: str, share: float) -> None:
        size = int(self.wanted.get(key, 0) * share)
        if key in self.wanted:
            self.wanted[key] -= size
            self.on_disk[key] = self.on_disk.get(key, 0) + size
            self.room.use(key, size)
            self.room.own += size

    @rule(key=st.sampled_from("abcdef"))
    def finish(self, key: str) -> None:
        self.wanted.pop(key, None)
        self.room.give_back(key)

    @rule(key=st.sampled_from("abcdef"))
    def send(self, key: str) -> None:
        if key in self.on_disk and key not in self.wanted:
            self.room.freed(self.on_disk.pop(key))

    @rule(size=st.integers(0, 40 * MIB))
    def others(self, size: int) -> None:
        self.foreign = min(size, SIZE - sum(self.on_disk.values()))
        self.measure()

    @invariant()
    def what_is_promised_fits(self) -> None:
        """Below the mark, unless others have filled the disk meanwhile."""
        own = sum(self.on_disk.values()) + sum(self.wanted.values())
        assert own <= SIZE * 0.90

    @invariant()
    def an_empty_spool_takes_what_can_ever_fit(self) -> None:
        self.measure()
        if not self.on_disk and not self.wanted:
            assert self.room.left == max(0, self.room.most - self.foreign)
            assert self.room.left <= self.room.ever


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBooks = Books.TestCase


def test_one_that_was_full_takes_nothing_until_it_is_below_the_low_mark() -> None:
    room = Room(Marks(high=0.90, low=0.50))
    room.measured(100 * MIB, 100 * MIB)
    assert room.promise("a", 89 * MIB)
    room.use("a", 89 * MIB)
    room.own = 89 * MIB
    room.give_back("a")
    room.measured(100 * MIB, 10 * MIB)
    assert room.left == 0

    room.freed(30 * MIB)
    room.measured(100 * MIB, 40 * MIB)
    assert room.left == 0

    room.freed(10 * MIB)
    room.measured(100 * MIB, 50 * MIB)
    assert room.left == 40 * MIB
