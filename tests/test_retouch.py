"""Attributes alone: compared, planned, brought over, and written down, without moving bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bucketline.clock import FakeClock
from bucketline.engines.transfer import Transfer, TransferPolicy
from bucketline.errors import Changed, Unholdable
from bucketline.flow.compare.sides import Look, Side
from bucketline.flow.drive import Drive
from bucketline.flow.ledger import Ledger, RunHead
from bucketline.flow.move.alike import completed, unlike
from bucketline.flow.move.copy import MovePolicy
from bucketline.flow.move.wanted import AS_IT_IS, Fidelity
from bucketline.flow.workers import Inline
from bucketline.model import Attributes, Copy, Entry, Fate, Outcome, Proof, Skip, Update
from bucketline.stores.memory import Held, MemoryStore
from crossing import NoNetwork, md5

OLD = Attributes({"content-type": "text/x-old"}, {"owner": "old"}, {"stage": "old"})
NEW = Attributes({"content-type": "text/x-new"}, {"owner": "new"}, {"stage": "new"})
KMS = {"server-side-encryption": "aws:kms"}
PUBLIC = {"acl": "public-read"}
LOCK = {"object-lock-mode": "GOVERNANCE", "object-lock-retain-until-date": "2030-01-01T08:00:00Z"}


class Pairing:
    """Two memory stores, a ledger, and a transfer of attributes between them."""

    def __init__(self, **policy: Any) -> None:
        self.source, self.target = MemoryStore("source"), MemoryStore("target")
        self.drive = Drive(NoNetwork(), Inline(lambda: None), FakeClock())
        self.ledger = Ledger.open(":memory:", clock=FakeClock())
        self.policy = TransferPolicy(
            look=Look(ahead=False), metadata_only=True, move=MovePolicy(**policy)
        )
        self.engine = self.anew()

    def anew(self) -> Transfer:
        sides = (Side(self.source), Side(self.target))
        return Transfer(*sides, self.policy, self.drive, self.ledger.known)

    def both(self, key: str, mine: Attributes, other: Attributes, body: bytes = b"x") -> None:
        self.source.objects[key] = Held(body, md5(body), mine)
        self.target.objects[key] = Held(body, md5(body), other)

    def plan(self) -> list[Any]:
        self.engine = self.anew()
        return list(self.engine.plan())

    def perform(self, action: Any) -> Outcome:
        outcome: Outcome = self.drive.call(self.engine.perform(action))
        return outcome

    def calm(self) -> bool:
        return all(isinstance(step, Skip) for step in self.plan())


def reasons(plan: list[Any]) -> dict[str, str]:
    return {step.key: step.reason for step in plan if isinstance(step, Update)}


def test_only_attributes_that_differ_are_planned_and_brought_over() -> None:
    pair = Pairing()
    pair.both("alike", NEW, NEW)
    pair.both("header", NEW, replace(NEW, headers=OLD.headers))
    pair.both("all", NEW, OLD)

    plan = pair.plan()

    assert reasons(plan) == {"header": "content-type", "all": "content-type, metadata, tags"}
    assert [step for step in plan if isinstance(step, Skip)] == [Skip(1, 1)]
    for step in plan:
        if isinstance(step, Update):
            outcome = pair.perform(step)
            assert (outcome.fate, outcome.size) == (Fate.DONE, 0)
    assert all(held.attributes == NEW for held in pair.target.objects.values())
    assert all(held.body == b"x" for held in pair.target.objects.values())
    assert pair.calm()


def test_other_bytes_are_left_alone_and_told() -> None:
    pair = Pairing()
    pair.both("alike", NEW, OLD)
    pair.both("edited", NEW, OLD)
    pair.target.objects["edited"] = Held(b"y", md5(b"y"), OLD)
    pair.source.objects["missing"] = Held(b"x", md5(b"x"), NEW)
    pair.target.objects["extra"] = Held(b"x", md5(b"x"), OLD)

    plan = pair.plan()

    assert reasons(plan) == {"alike": "content-type, metadata, tags"}
    assert sum(step.count for step in plan if isinstance(step, Skip)) == 2
    assert not any(isinstance(step, Copy) for step in plan)
    [note] = pair.engine.notes
    assert note.startswith("2 left alone: other bytes, or none, at the target; sync without")


def test_what_changed_since_the_plan_is_left_alone() -> None:
    pair = Pairing()
    pair.both("key", NEW, OLD)
    [step] = pair.plan()
    pair.target.objects["key"] = Held(b"y", md5(b"y"), OLD)

    with pytest.raises(Changed):
        pair.perform(step)

    assert pair.target.objects["key"].attributes == OLD


def test_a_refusal_is_planned_so_that_it_is_told() -> None:
    pair = Pairing(fidelity=Fidelity(strict=True))
    pair.both("key", NEW, replace(NEW, tags={}))
    pair.target.able = replace(pair.target.able, tags=False)

    [step] = pair.plan()

    assert step.reason == "could not be compared"
    with pytest.raises(Unholdable, match="without tags"):
        pair.perform(step)


@pytest.mark.parametrize(
    ("wanted", "there", "wish", "told"),
    [
        (OLD, OLD, AS_IT_IS, []),
        (Attributes(), Attributes({"content-type": "binary/octet-stream"}), AS_IT_IS, []),
        (Attributes(), Attributes({"expires": "x"}), AS_IT_IS, ["expires"]),
        (Attributes(metadata={"A": "1"}), Attributes(metadata={"a": "1"}), AS_IT_IS, []),
        (
            Attributes(metadata={"mtime": "7.5"}),
            Attributes(metadata={"mtime": "7.500000001"}),
            AS_IT_IS,
            [],
        ),
        (
            Attributes(metadata={"mtime": "7.5"}),
            Attributes(metadata={"mtime": "8"}),
            AS_IT_IS,
            ["metadata"],
        ),
        (Attributes(tags={"a": "1"}), Attributes(), Fidelity(tags=False), []),
        (Attributes(tier="STANDARD_IA"), Attributes(), AS_IT_IS, []),
        (Attributes(tier="STANDARD_IA"), Attributes(), Fidelity(tier="keep"), ["storage-class"]),
        (Attributes(protection=KMS), Attributes(), AS_IT_IS, []),
        (Attributes(protection=KMS), Attributes(), Fidelity(encryption="keep"), ["encryption"]),
        (
            Attributes(),
            Attributes(protection=PUBLIC),
            Fidelity(acl="keep"),
            ["acl"],
        ),
        (Attributes(protection=LOCK), Attributes(), Fidelity(lock="keep"), ["object-lock"]),
        (
            Attributes(protection=LOCK),
            Attributes(
                protection=LOCK | {"object-lock-retain-until-date": "2030-01-01T01:00:00.000Z"}
            ),
            Fidelity(lock="GOVERNANCE"),
            [],
        ),
    ],
)
def test_alike_is_what_says_the_same(
    wanted: Attributes, there: Attributes, wish: Fidelity, told: list[str]
) -> None:
    assert unlike(wanted, there, wish) == told


def test_what_nobody_asked_about_stays() -> None:
    there = Attributes(tier="STANDARD_IA", tags={"a": "1"}, protection=KMS | LOCK)
    whole = completed(NEW, there, Fidelity(tags=False))
    assert (whole.headers, whole.tier, whole.tags) == (NEW.headers, "STANDARD_IA", {"a": "1"})
    assert whole.protection == KMS | LOCK
    plain = {"server-side-encryption": "AES256"}
    asked = completed(replace(NEW, protection=plain), there, Fidelity(encryption="AES256"))
    assert asked.protection == plain | LOCK


def proven(ledger: Ledger, key: str) -> None:
    entry = Entry(key, 5, etag="s")
    done = Outcome(Fate.DONE, 5, Proof.ETAG, source_etag="s", target_etag="t")
    ledger.begin(RunHead("one", "sync", "a", "b"))
    ledger.record([Copy(entry, key)], [(Copy(entry, key), done)], Skip(0, 0))
    ledger.end("complete")


@pytest.mark.parametrize(("told", "etag"), [("", "t"), ("t2", "t2")])
def test_an_update_leaves_what_was_proven_of_the_bytes(told: str, etag: str) -> None:
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        proven(ledger, "key")
        ledger.begin(RunHead("two", "sync", "a", "b"))
        step = Update(Entry("key", 5, etag="s"), Entry("key", 5, etag="t"), "metadata")
        ledger.record([step], [], Skip(0, 0))
        assert ledger.known(["key"])["key"][:2] == (5, "s")  # No doubt, though it is under way.
        ledger.record([], [(step, Outcome(Fate.DONE, target_etag=told))], Skip(0, 0))

        assert ledger.known(["key"])["key"] == (5, "s", etag)
        assert ledger.tally().bytes_done == 0
        assert ledger.complaints() == []


@pytest.mark.parametrize("fate", [Fate.DONE, Fate.FAILED])
def test_an_update_alone_proves_nothing_and_spoils_nothing(fate: Fate) -> None:
    with Ledger.open(":memory:", clock=FakeClock()) as ledger:
        proven(ledger, "key")
        ledger.begin(RunHead("two", "sync", "a", "b"))
        steps = [Update(Entry(k, 5), Entry(k, 5), "tags") for k in ("key", "other")]
        ledger.record(steps, [(step, Outcome(fate)) for step in steps], Skip(0, 0))

        assert ledger.known(["key", "other"]) == {"key": (5, "s", "t")}
        assert ledger.complaints() == []
