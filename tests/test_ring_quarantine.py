"""What is deleted was copied first, and comes back from there once the ring has purged it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.clock import FakeClock
from bucketline.engines.ring.plan import Candidate, make
from bucketline.engines.ring.quarantine import Quarantine, groups
from bucketline.engines.ring.reclaim import Manner, reclaim
from bucketline.engines.ring.site import Site
from bucketline.engines.ring.undelete import undelete
from bucketline.errors import BadListing, Refused
from bucketline.stores.local import LocalStore
from ring.reclaims import LATER, looked_twice, terms
from ring.services import Services, Told, serve
from ring.sites import opened
from ring.world import World


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 4)) as found:
        yield found


@pytest.fixture
def found(services: Services, tmp_path: Path) -> Iterator[Site]:
    """Two runs agree."""
    looked_twice(services, tmp_path)
    with opened(services, tmp_path, now=LATER) as site:
        yield site


def safe(folder: Path) -> Quarantine:
    place = folder / "quarantine"
    place.mkdir(exist_ok=True)
    return Quarantine(LocalStore(str(place), clock=FakeClock()), "", str(place))


def test_what_the_ring_has_purged_comes_back_from_the_copies(
    found: Site, services: Services, tmp_path: Path
) -> None:
    before = services.hash
    plan = make(found).plan
    manner = Manner(terms=terms(found), quarantine=safe(tmp_path))
    assert reclaim(found, plan, manner) == {"done": len(plan.items)}
    assert services.hash != before
    for main in services.buried[::2]:  # Of the others the tombstones are still there.
        services.purge(main)

    assert undelete(found, plan.sha256)["failed"] == len(services.buried[::2])
    told = undelete(found, plan.sha256, opener=lambda place: safe(Path(place).parent))

    assert told == {"done": len(plan.items)}
    assert services.hash == before
    assert undelete(found, plan.sha256) == {"done": len(plan.items)}  # Nothing is put twice.


def test_nothing_goes_that_could_not_be_copied(
    found: Site, services: Services, tmp_path: Path
) -> None:
    plan = make(found).plan
    allowed = terms(found)
    lost = plan.items[0]
    services.unread.add(lost.input_key)

    told = reclaim(found, plan, Manner(terms=allowed, quarantine=safe(tmp_path)))

    assert told == {"done": len(plan.items) - 1, "skipped": 1}
    assert lost.main not in services.buried
    assert "cannot be read, and so not be kept" in _book(tmp_path)


def test_a_quarantine_that_fails_stops_everything(
    found: Site, services: Services, tmp_path: Path
) -> None:
    plan = make(found).plan
    allowed = terms(found)
    quarantine = safe(tmp_path)
    ring = tmp_path / "quarantine" / "R"
    ring.write_text("a file is in the way of the folder")

    with pytest.raises(Refused, match="too many deletes failed"):
        reclaim(found, plan, Manner(terms=allowed, quarantine=quarantine))

    assert services.buried == []


def test_a_copy_that_was_changed_is_not_put_into_the_ring(
    found: Site, services: Services, tmp_path: Path
) -> None:
    plan = make(found).plan
    manner = Manner(terms=terms(found), quarantine=safe(tmp_path))
    reclaim(found, plan, manner)
    for main in services.buried:
        services.purge(main)
    spoilt, *_ = copies = _files(tmp_path)
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"?")

    told = undelete(found, plan.sha256, opener=lambda place: safe(Path(place).parent))

    assert told == {"done": len(copies) - 1, "failed": 1}
    assert "the copy is not what was kept" in _book(tmp_path)
    assert services.asked["PUT arc"] == len(copies) - 1


def test_a_copy_tells_what_it_is_without_any_book(found: Site, tmp_path: Path) -> None:
    plan = make(found).plan
    reclaim(found, plan, Manner(terms=terms(found), quarantine=safe(tmp_path)))

    for path in _files(tmp_path):
        head, body = path.read_bytes().split(b"\n", 1)
        told = json.loads(head)
        assert (told["main"], told["plan"], told["size"]) == (path.name, plan.sha256, len(body))
        assert "x-scal-usermd" in told["headers"]


def test_only_so_much_is_in_memory_at_once(found: Site) -> None:
    plan = make(found).plan
    some = plan.items[:6]
    large = [one._replace(chunk=one.chunk._replace(size=100)) for one in some]

    assert [len(group) for group in groups(large, 10_000)] == [6]
    assert [len(group) for group in groups(large, 1)] == [1] * 6
    assert [one for group in groups(large, 1000) for one in group] == large
    assert groups(list[Candidate](), 1) == []


def _files(folder: Path) -> list[Path]:
    return [path for path in (folder / "quarantine").rglob("*") if path.is_file()]


def _book(folder: Path) -> str:
    return next((folder / "R" / "plans").glob("*.deeds")).read_text()


@pytest.mark.slow
def test_what_is_there_anew_is_not_written_over(
    found: Site, services: Services, tmp_path: Path
) -> None:
    plan = make(found).plan
    manner = Manner(terms=terms(found), quarantine=safe(tmp_path))
    reclaim(found, plan, manner)
    one = next(item for item in plan.items if item.kind == "ORPHAN")
    services.purge(one.main)
    services.world.keep(one.input_key, large=one.main.endswith("30"))
    services.put[one.input_key] = b"new"

    told = undelete(found, plan.sha256, one.main, opener=lambda place: safe(Path(place).parent))
    assert told == {"failed": 1}
    assert services.put[one.input_key] == b"new"
    book = next((tmp_path / "R" / "plans").glob("*.deeds")).read_text()
    assert "something else is there" in book


@pytest.mark.slow
def test_a_copy_that_is_gone_by_the_second_try_is_made_again(
    found: Site, services: Services, tmp_path: Path
) -> None:
    plan = make(found).plan
    manner = Manner(terms=terms(found), quarantine=safe(tmp_path))
    services.faults = {"chord": 1.0}
    with pytest.raises(Refused, match="too many deletes failed"):
        reclaim(found, plan, manner)
    copies = [file for file in (tmp_path / "quarantine").rglob("*") if file.is_file()]
    assert len(copies) == len(plan.items)
    copies[0].unlink()
    copies[1].write_bytes(b"{}\nanother")
    services.faults = {}
    asked = services.asked["GET arc"]

    assert reclaim(found, plan, manner)["failed"] == 0
    assert services.asked["GET arc"] - asked == 2
    assert copies[0].exists()
    assert copies[1].read_bytes() != b"{}\nanother"


@pytest.mark.slow
def test_an_answer_that_is_not_the_ring_s_is_no_copy(
    found: Site, services: Services, tmp_path: Path
) -> None:
    plan = make(found).plan
    usual = services._rebuild

    def rebuild(route: str, key: str) -> Told:
        return (200, b"<html>", {}) if route == "arc" else usual(route, key)

    manner = Manner(terms=terms(found), quarantine=safe(tmp_path))
    setattr(services, "_rebuild", rebuild)  # noqa: B010
    with pytest.raises(BadListing, match="not the ring"):
        reclaim(found, plan, manner)
    assert services.buried == []
