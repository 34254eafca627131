"""What is written while the metadata is exported is seen, or the export says that it is partial."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.engines.ring.site import Site
from bucketline.errors import ServerFault
from ring.services import Services, serve
from ring.sites import expected, look, opened, told
from ring.world import World


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 150)) as found:
        yield found


def move_while_exporting(services: Services) -> str:
    """From a bucket that was not read yet to one that had been; its input key."""
    world = services.world
    key = "moved"
    one = world.input_key("zwei-ü")
    world.keep(one)
    world.name("zwei-ü", key, [one])
    services.before["zwei-ü"] = lambda: world.move(("zwei-ü", key), ("one", "a/moved"))
    return one


def test_what_moves_while_the_scan_looks_elsewhere_is_no_orphan(
    services: Services, tmp_path: Path
) -> None:
    moved = move_while_exporting(services)
    with opened(services, tmp_path) as found:
        look(found)

        assert moved not in {key for _, key, _ in told(found)}
        assert set(told(found)) == expected(services)
        assert why_partial(found) == ""


def test_the_journal_is_read_from_where_the_export_began_whoever_ends_it(
    services: Services, tmp_path: Path
) -> None:
    moved = move_while_exporting(services)
    move = services.before["zwei-ü"]

    def move_and_fail() -> None:
        move()
        services.faults = {"_": 1.0}

    services.before["zwei-ü"] = move_and_fail
    with opened(services, tmp_path) as found, pytest.raises(ServerFault):
        look(found)
    services.faults = {}
    with opened(services, tmp_path) as found:
        look(found)

        assert moved not in {key for _, key, _ in told(found)}
        assert why_partial(found) == ""


def test_a_journal_that_was_pruned_leaves_the_export_partial(
    services: Services, tmp_path: Path
) -> None:
    move_while_exporting(services)
    services.world.pruned = 10_000
    with opened(services, tmp_path) as found:
        look(found)

        assert "journal" in why_partial(found)
        assert "journal" in found.dataset("orphans").manifest().why_partial


def why_partial(found: Site) -> str:
    return found.dataset("export").manifest().why_partial
