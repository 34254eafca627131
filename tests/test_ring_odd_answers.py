"""What a service says amiss is an error or a doubt: never an end, an empty ring, or a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.engines.ring.site import Site, alone
from bucketline.errors import BadListing, Refused, ServerFault
from ring.services import Services, Told, serve
from ring.sites import configured, look, opened, told
from ring.world import World


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 4)) as found:
        yield found


def instead(services: Services, place: str, answer: Any) -> None:
    """Of everything whose path has this in it."""
    usual = services._answer

    def answered(method: str, target: str, sent: Any) -> Told:
        if place in target:
            return 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), {}
        return usual(method, target, sent)

    setattr(services, "_answer", answered)  # noqa: B010


def renamed(services: Services) -> None:
    """A node of the ring is another now."""
    usual = services._supervisor
    setattr(services, "_supervisor", lambda: usual().replace(b">n5<", b">m5<"))  # noqa: B010


def pieces(found: Site) -> set[str]:
    return {piece.name for piece in found.dataset("listkeys").manifest().pieces}


def test_a_list_of_a_ring_that_changed_is_not_gone_on_with(
    services: Services, tmp_path: Path
) -> None:
    usual = services._listing

    def listing(question: dict[str, str]) -> Iterator[bytes]:
        if question["vnode"] == "4248":
            renamed(services)
            setattr(services, "_listing", usual)  # noqa: B010
        return usual(question)

    setattr(services, "_listing", listing)  # noqa: B010
    with opened(services, tmp_path) as found, pytest.raises(Refused, match="dropped"):
        look(found)
    with opened(services, tmp_path) as found:
        look(found)
        assert services.asked["GET listkeys"] == 24
        assert pieces(found) == {*(f"n{n}-{4244 + n}" for n in range(5)), "m5-4249"}


def test_a_list_that_was_interrupted_goes_on_only_over_the_same_ring(
    services: Services, tmp_path: Path
) -> None:
    services.cut = True
    usual = services._listing

    def listing(question: dict[str, str]) -> Iterator[bytes]:
        services.cut = question["vnode"] == "4246"
        return usual(question)

    setattr(services, "_listing", listing)  # noqa: B010
    with opened(services, tmp_path) as found, pytest.raises(BadListing):
        look(found)
    setattr(services, "_listing", usual)  # noqa: B010
    services.cut = False
    before = services.asked["GET listkeys"]
    renamed(services)
    with opened(services, tmp_path) as found:
        look(found)
        assert services.asked["GET listkeys"] - before == 12


def test_where_the_journal_stood_is_told_at_the_beginning_or_never(
    services: Services, tmp_path: Path
) -> None:
    usual = services._answer
    instead(services, "/log?", {"info": {}})

    def fail() -> None:
        services.faults = {"default": 1.0}

    services.before["one"] = fail
    with opened(services, tmp_path) as found, pytest.raises(ServerFault):
        look(found)
    setattr(services, "_answer", usual)  # noqa: B010
    services.faults = {}
    with opened(services, tmp_path) as found:
        look(found)
        assert "journal" in found.dataset("export").manifest().why_partial


@pytest.mark.parametrize(
    ("place", "answer", "said"),
    [
        ("/_/raft_sessions", [], "no raft session"),
        ("/_/raft_sessions", {"code": 500}, "no raft session"),
        ("/0/bucket", {"code": "DBNotFound"}, "no list of buckets"),
        ("/bucket/one?", {"code": 500}, "no page of it"),
        ("/bucket/one?", [], "no page of it"),
        ("vnode=4246&loadmetadata", b"ERROR: no such dso\n", "no such dso"),
    ],
)
def test_an_answer_of_another_shape_is_an_error(
    place: str, answer: Any, said: str, services: Services, tmp_path: Path
) -> None:
    instead(services, place, answer)
    with opened(services, tmp_path) as found, pytest.raises(BadListing, match=said):
        look(found)


ODD: dict[str, Any] = {
    "a list": [1],
    "a number": 5,
    "a size in words": {"content-length": "many", "location": None},
    "a place in words": {"content-length": 5, "location": [7]},
    "no key": {"content-length": 5, "location": [{"key": "", "size": 5}]},
    "a size of a part in words": {
        "content-length": 5,
        "location": [{"key": "A" * 40, "size": "x"}],
    },
}


@pytest.mark.parametrize("is_late", [False, True])
def test_metadata_that_cannot_be_read_is_a_doubt(
    is_late: bool, services: Services, tmp_path: Path
) -> None:
    def put() -> None:
        for kind, value in ODD.items():
            services.world.buckets["one"][kind] = value
            services.world.wrote("one", kind)

    if is_late:  # The journal tells of it alone.
        services.before["zwei-ü"] = put
    else:
        put()
    with opened(services, tmp_path) as found:
        look(found)
        doubts = [key for kind, _, key in told(found) if kind == "UNRESOLVED"]
        # Of what was put late the size is not asked for, as it refers to nothing.
        assert set(doubts) >= ODD.keys() - ({"a size in words"} if is_late else set())


def test_a_part_whose_place_is_not_told_is_a_doubt(services: Services, tmp_path: Path) -> None:
    values: list[Any] = [{}, [1], "x", {"partLocations": [7]}, {"content-length": 9}]
    for number, value in enumerate(values, 2):
        services.world.buckets["mpuShadowBucketone"][f"open0..|..{number:05}"] = value
    with opened(services, tmp_path) as found:
        look(found)
        assert told(found)["UNRESOLVED", "", "up/0"] == len(values)


def test_a_version_that_lies_elsewhere_than_its_master_is_referred_to(
    services: Services, tmp_path: Path
) -> None:
    world = services.world
    two = [world.input_key("one") for _ in range(2)]
    for one in two:
        world.keep(one)
    world.name("one", "both", two[:1], versionId="v1")
    world.name("one", "both\0v1", two[1:], versionId="v1")
    with opened(services, tmp_path) as found:
        look(found)
        assert not {key for _, key, _ in told(found)} & set(two)


def test_a_chunk_of_which_nothing_is_told_is_a_doubt(services: Services, tmp_path: Path) -> None:
    with opened(services, tmp_path) as found:
        instead(services, "/rebuild/arcdata-", b"")
        look(found)
        assert not {kind for kind, _, _ in told(found)} & {"ORPHAN", "ORPHAN_CHILD"}
        (count,) = next(
            found.engine.rows(
                "SELECT count(*) FROM orphans WHERE class = 'UNRESOLVED'", found.files("orphans")
            )
        )
        assert count > 0


def test_two_programs_do_not_make_one_run(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["--config", str(configured(services, tmp_path))]
    with opened(services, tmp_path / "rings") as found, alone(found.folder):
        assert main(["ring", "run", "R", *said]) == 7
    assert "another program" in capsys.readouterr().err
