"""The verification: what is looked at, in which order, and what is made of what is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bucketline.clock import FakeClock
from bucketline.engines.verify import Round, Sample, Verification
from bucketline.errors import NoBucket
from bucketline.flow.drive import Drive, blocking
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.proof.again import Method
from bucketline.flow.report.delivered import Delivered, Verified, verified
from bucketline.flow.run.loop import run
from bucketline.flow.run.pace import Steady
from bucketline.flow.run.terms import Ran, Stop, Terms
from bucketline.flow.workers import Inline
from bucketline.model import Skip, Tally, Verify
from bucketline.stores.digests import CRC64NVME, MD5, SHA256
from bucketline.stores.memory import MemoryStore
from stage import NoNetwork

NEW = Round(1 << 62)
EVERY = Sample()


class Now:
    call = staticmethod(blocking)


@dataclass
class Shop:
    """A store, what was delivered to it, and the ledger of verifications."""

    path: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    deliveries: dict[str, Delivered] = field(default_factory=dict)
    runs: int = 0

    def deliver(self, key: str, body: bytes = b"body", **hashes: str) -> None:
        receipt = blocking(self.store.write(key, body))
        told = hashes or {"md5": MD5.digest(body).hex()}
        modified = self.store.objects[key].modified
        self.deliveries[key] = Delivered(
            key, len(body), "run-1", modified, hashes=told, target_etag=receipt.etag
        )

    def rot(self, key: str) -> None:
        """Another body under the same etag and time."""
        held = self.store.objects[key]
        self.store.objects[key] = replace(held, body=held.body[:-1] + b"?")

    def engine(self, sample: Sample = EVERY, since: Round = NEW, **options: Method) -> Verification:
        return Verification(
            self.store,
            lambda: iter(sorted(self.deliveries.values(), key=lambda one: one.key)),
            partial(verified, self.path),
            Now(),
            sample=sample,
            since=since,
            **options,
        )

    def run(self, engine: Verification, width: int = 4, stop_after: int = 0) -> Ran:
        clock, stop = FakeClock(1_000_000.0 + self.runs), Stop()
        carrier = NoNetwork(clock)
        drive = Drive(carrier, Inline(carrier.wake), clock)
        self.runs += 1
        with Ledger.open(self.path, clock=clock) as ledger:
            ledger.begin(RunHead(f"v-{self.runs}", "verify", "", "t"))
            terms = Terms(clock, stop, Steady(width), plans_ahead=False)
            if stop_after:
                engine = _Stopping(engine, stop, stop_after)  # type: ignore[assignment]
            ran = run(engine, ledger, drive, terms)
            assert ledger.complaints() == []
        return ran

    def planned(self, engine: Verification) -> list[str]:
        return [step.key for step in engine.plan() if isinstance(step, Verify)]


class _Stopping:
    """Somebody interrupts after so many objects."""

    def __init__(self, engine: Verification, stop: Stop, after: int) -> None:
        self._engine, self._stop, self._left = engine, stop, after
        self.plan, self.weight = engine.plan, engine.weight

    def perform(self, action: Verify) -> object:
        self._left -= 1
        self._stop.drain = self._left <= 0
        return self._engine.perform(action)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "verify.ledger")
    for key in "abcdef":
        shop.deliver(key, key.encode() * 3)
    return shop


def fates(shop: Shop) -> Mapping[str, tuple[str, str]]:
    with Ledger.open(shop.path) as ledger:
        rows = ledger._select(
            "SELECT key, fate, coalesce(cause, '') FROM history WHERE fate <> 'started'"
            " AND run=(SELECT run FROM runs ORDER BY number DESC LIMIT 1)"
        )
    return {key: (fate, cause) for key, fate, cause in rows}


def test_all_that_was_delivered_is_verified(shop: Shop) -> None:
    ran = shop.run(shop.engine())
    assert ran == Ran("complete", Tally(done=6, bytes_done=18))


def test_each_state_has_its_fate(shop: Shop) -> None:
    shop.rot("a")
    del shop.store.objects["b"]
    blocking(shop.store.write("c", b"somebody's"))
    blocking(shop.store.write("d", b"ddd"))  # The same again is as good.
    ran = shop.run(shop.engine())
    assert fates(shop) == {
        "a": ("failed", "Damaged"),
        "b": ("failed", "Missing"),
        "c": ("skipped", "Replaced"),
        "d": ("done", ""),
        "e": ("done", ""),
        "f": ("done", ""),
    }
    assert (ran.tally.done, ran.tally.failed, ran.tally.skipped) == (3, 2, 1)


def test_a_shorter_object_of_the_same_time_is_damaged(shop: Shop) -> None:
    held = shop.store.objects["a"]
    shop.store.objects["a"] = replace(held, body=b"aa", etag="0" * 32)
    shop.run(shop.engine())
    assert fates(shop)["a"] == ("failed", "Damaged")


@pytest.mark.parametrize("method", [Method.READ, Method.AUTO])
def test_bytes_tell_what_an_etag_hides(shop: Shop, method: Method) -> None:
    shop.rot("a")
    shop.run(shop.engine(method=method))
    assert fates(shop)["a"] == ("failed", "Damaged")


def test_by_word_alone_rot_stays_hidden_and_nothing_is_read(shop: Shop) -> None:
    shop.rot("a")
    ran = shop.run(shop.engine(method=Method.CHECKSUM))
    assert ran.tally.done == 6


def test_a_hash_that_nobody_can_make_is_no_proof(shop: Shop) -> None:
    shop.deliver("z", b"body", whirlpool="00")
    shop.run(shop.engine())
    assert fates(shop)["z"] == ("failed", "Unsupported")


@pytest.mark.parametrize("size", [0, 1, 8 << 20, (8 << 20) + 1, (17 << 20) + 5])
def test_every_kind_of_hash_is_made_again(tmp_path: Path, size: int) -> None:
    shop = Shop(tmp_path / "v.ledger")
    body = bytes(range(251)) * (size // 251 + 1)
    body = body[:size]
    part = 5 << 20
    digests = [MD5.digest(body[at : at + part]) for at in range(0, size, part)]
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    kinds = {
        "md5": MD5.digest(body).hex(),
        "sha256": SHA256.digest(body).hex(),
        "crc64nvme": CRC64NVME.digest(body).hex(),
    }
    for name, value in kinds.items():
        shop.deliver(name, body, **{name: value})
    count = 3
    if size:
        shop.deliver(
            "parts", body, **{"md5-parts": f"{whole}-{len(digests)}", "part-size": str(part)}
        )
        count = 4
    assert shop.run(shop.engine()).tally.done == count
    for key in list(shop.deliveries) if size else []:
        shop.rot(key)
    if size:
        assert shop.run(shop.engine()).tally.failed == count


def test_a_bucket_that_is_gone_stops_the_run(shop: Shop) -> None:
    shop.store.is_there = False
    with pytest.raises(NoBucket):
        shop.run(shop.engine())


# In which order


def test_what_was_never_verified_comes_first_then_what_was_longest_ago(shop: Shop) -> None:
    shop.run(shop.engine(), stop_after=2, width=1)
    shop.run(shop.engine(), stop_after=2, width=1)
    assert shop.planned(shop.engine()) == ["e", "f", "a", "b", "c", "d"]
    shop.deliver("a", b"delivered anew")
    shop.deliveries["a"] = replace(shop.deliveries["a"], time=2_000_000.0)
    assert shop.planned(shop.engine()) == ["a", "e", "f", "b", "c", "d"]


def test_what_was_found_damaged_is_looked_at_first(shop: Shop) -> None:
    shop.rot("d")
    shop.run(shop.engine())
    assert shop.planned(shop.engine())[0] == "d"


@pytest.mark.parametrize("after", range(1, 7))
def test_a_round_that_was_cut_short_goes_on_and_reads_nothing_twice(shop: Shop, after: int) -> None:
    first = shop.run(shop.engine(), stop_after=after, width=1)
    rest = shop.engine(since=Round(1))
    second = shop.run(rest)
    assert first.tally.done == after == rest.before == second.tally.skipped
    assert first.tally.done + second.tally.done == 6
    assert second.tally.listed == 6


# Samples


def keys_of(sample: Sample, keys: list[str], path: Path) -> list[str]:
    shop = Shop(path)
    shop.deliveries = {key: Delivered(key, 1, "r", 1.0, hashes={"md5": "0"}) for key in keys}
    return shop.planned(shop.engine(sample))


@given(keys=st.lists(st.text(min_size=1, max_size=4), unique=True), count=st.integers(1, 9))
def test_a_number_draws_so_many(keys: list[str], count: int) -> None:
    drawn = keys_of(Sample("seed", count=count), keys, Path("/nonexistent"))
    assert len(drawn) == min(count, len(keys))
    assert drawn == keys_of(Sample("seed", count=count), keys, Path("/nonexistent"))


def test_a_share_draws_about_so_many_and_each_seed_others() -> None:
    keys = [f"k{number}" for number in range(4_000)]
    one, two = (keys_of(Sample(seed, share=0.25), keys, Path("/nonexistent")) for seed in "ab")
    assert 850 < len(one) < 1_150
    assert len(set(one) & set(two)) < 400


def test_what_is_not_drawn_is_counted(shop: Shop) -> None:
    engine = shop.engine(Sample("s", count=2))
    steps = list(engine.plan())
    assert sum(step.count for step in steps if isinstance(step, Skip)) == 4
    assert sum(step.size for step in steps if isinstance(step, Skip)) == 12
    assert engine.found == 6


def test_a_million_deliveries_are_planned_one_by_one(tmp_path: Path) -> None:
    """Verified and never verified ones: nothing is gathered but what waits on the disk."""
    asked = 0

    def deliveries() -> Iterator[Delivered]:
        nonlocal asked
        for number in range(1_000_000):
            asked = number
            yield Delivered(f"k{number:07}", 1, "r", 1.0, hashes={"md5": "0"})

    def seen() -> Iterator[Verified]:
        return (Verified(f"k{number:07}", 1, 2.0) for number in range(0, 1_000_000, 2))

    engine = Verification(MemoryStore(), deliveries, seen, Now(), since=NEW)
    plan = engine.plan()
    first = [next(plan).key for _ in range(100)]  # type: ignore[union-attr]
    assert first == [f"k{number:07}" for number in range(1, 201, 2)]
    assert asked < 300
    plan.close()  # type: ignore[attr-defined]
