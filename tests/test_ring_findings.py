"""What the phases find is the truth, all of it and nothing else; what breaks is never an end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.engines.ring import findings, passes
from bucketline.engines.ring.doctor import examine
from bucketline.engines.ring.export import export
from bucketline.engines.ring.findings import PHASES
from bucketline.errors import BadListing, Refused, ServerFault
from ring.services import Services, serve
from ring.sites import configured, expected, look, opened, told
from ring.world import World


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 150)) as found:
        yield found


@pytest.mark.parametrize(("seed", "count"), [(1, 0), (2, 150), (3, 1000)])
def test_the_findings_are_the_truth(seed: int, count: int, tmp_path: Path) -> None:
    with serve(World(seed, count)) as services, opened(services, tmp_path) as found:
        look(found)

        assert set(told(found)) == expected(services)
        assert found.dataset("orphans").manifest().why_partial == ""


def test_only_split_objects_and_candidates_are_asked_for(
    services: Services, tmp_path: Path
) -> None:
    with opened(services, tmp_path) as found:
        look(found)
        split = sum(1 for one in services.world.stored.values() if one.children)

    assert services.asked["GET arc"] <= split
    assert services.asked["HEAD arc"] == 0


def test_faults_that_pass_change_nothing(services: Services, tmp_path: Path) -> None:
    services.faults = dict.fromkeys(["listkeys", "default", "_"], 0.1)
    for _ in range(20):
        try:
            with opened(services, tmp_path) as found:
                look(found)
        except ServerFault:
            continue
        break
    with opened(services, tmp_path) as found:
        assert set(told(found)) == expected(services)


@pytest.mark.parametrize("seed", range(8))
def test_no_live_key_is_called_an_orphan_whatever_fails(seed: int, tmp_path: Path) -> None:
    with serve(World(seed, 60)) as services, opened(services, tmp_path) as found:
        services.random.seed(seed)
        services.faults = {"arc": 1.0 if seed % 2 else 0.6, "arcdata": 0.3}
        look(found)

        dead = {one for one in expected(services) if one[0].startswith("ORPHAN")}
        orphans = {one for one in told(found) if one[0].startswith("ORPHAN")}
        assert orphans <= dead
        unresolved = list(found.engine.rows(passes.UNRESOLVED, found.files("digest")))
        why = found.dataset("orphans").manifest().why_partial
        assert ("could not be resolved" in why) == (unresolved[0][0] > 0)
        assert seed % 2 == 0 or why


def test_a_list_that_is_cut_short_is_an_error(services: Services, tmp_path: Path) -> None:
    services.cut = True
    with opened(services, tmp_path) as found, pytest.raises(BadListing, match="amid a line"):
        look(found)


def test_a_ring_without_one_of_its_nodes_is_refused(services: Services, tmp_path: Path) -> None:
    services.nodes -= 1
    with opened(services, tmp_path) as found, pytest.raises(Refused, match="node is missing"):
        look(found)


def test_the_metadata_is_not_exported_before_the_ring(services: Services, tmp_path: Path) -> None:
    with opened(services, tmp_path) as found, pytest.raises(Refused, match="listkeys"):
        export(found)


def test_one_bucket_alone_is_partial_to_the_end(services: Services, tmp_path: Path) -> None:
    with opened(services, tmp_path) as found:
        PHASES["listkeys"](found)
        export(found, "one")
        look(found)

        assert "the bucket one alone" in found.dataset("orphans").manifest().why_partial


def test_a_run_goes_on_where_it_was_interrupted(services: Services, tmp_path: Path) -> None:
    services.faults = {"default": 1.0}
    with opened(services, tmp_path) as found, pytest.raises(ServerFault):
        look(found)
    services.faults = {}
    listed = services.asked["GET listkeys"]
    with opened(services, tmp_path) as found:
        look(found)

        assert set(told(found)) == expected(services)
        assert services.asked["GET listkeys"] == listed
        assert sum(count for _, count in findings.counts(found)) == sum(told(found).values())


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ("", "yyyy"),
        ("do", "nnyy"),
        ("listkeys", "ynyy"),
        ("_", "yyn?"),
        ("default", "yyn?"),
        ("arc", "yyyn"),
    ],
)
def test_the_doctor_finds_who_does_not_answer(
    fault: str, answers: str, services: Services, tmp_path: Path
) -> None:
    services.faults = {fault: 1.0}
    with opened(services, tmp_path) as found:
        told = list(examine(found))

    assert "".join(one.answer[0] for one in told) == answers


def test_the_doctor_finds_an_alias_that_leads_nowhere(services: Services, tmp_path: Path) -> None:
    with opened(services, tmp_path) as found:
        found.ring = replace(found.ring, arc_alias="Arc-R")
        *_, last = examine(found)

    assert last.answer == "no"
    assert "capitals count" in last.detail


def test_the_commands_tell_the_findings(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["--config", str(configured(services, tmp_path))]

    assert main(["ring", "run", "R", *said, "--json"]) == 3
    found = {row["class"]: row["count"] for row in map(json.loads, capsys.readouterr()[0].split())}
    assert found["MISSING"] == 2
    assert main(["ring", "orphans", "R", *said]) == 0
    assert main(["ring", "doctor", "R", *said]) == 0
    assert main(["ring", "run", "Q", *said]) == 2
    assert "no such ring in the configuration; there are: R" in capsys.readouterr()[1]
