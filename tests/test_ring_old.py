"""What the old check has left is read as it lies, and nothing is ever deleted by it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.engines.ring.gates import Terms, examine
from desk import VARIABLES, Desk
from ring import left
from ring.services import Services, serve
from ring.sites import configured, opened, told
from ring.world import World
from servers import Endpoint


@pytest.fixture
def services() -> Iterator[Services]:
    with serve(World(7, 150)) as found:
        yield found


@pytest.fixture
def folder(services: Services, tmp_path: Path) -> Path:
    """As the old check wrote it."""
    place = tmp_path / "old"
    for name, body in (*left.listkeys(services.world), *left.exports(services.world)):
        write(place / "R" / name, body)
    return place


def write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def run(services: Services, tmp_path: Path, place: str, phase: str = "run") -> int:
    config = configured(services, tmp_path)
    return main(["ring", phase, "R", "--config", str(config), "--json", "--from-old", place])


def test_it_tells_what_can_be_told_by_it(services: Services, folder: Path, tmp_path: Path) -> None:
    assert run(services, tmp_path, str(folder)) == 3

    with opened(services, tmp_path / "rings") as found:
        assert set(told(found)) == left.findings(services.world)
        for name in ("listkeys", "export", "objects", "digest", "filter", "orphans", "missing"):
            assert "does not tell what it leaves out" in found.dataset(name).manifest().why_partial
    assert (services.asked["GET listkeys"], services.asked["GET default"]) == (0, 0)


def test_nothing_may_be_deleted_by_it(services: Services, folder: Path, tmp_path: Path) -> None:
    run(services, tmp_path, str(folder))

    with opened(services, tmp_path / "rings") as found:
        shut = {gate.name for gate in examine(found, Terms(10**9)) if gate.why}

    assert shut >= {"runs", "complete", "resolved", "ring", "journal"}


def test_it_is_read_out_of_a_bucket_too(
    services: Services,
    tmp_path: Path,
    moto: Endpoint,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (VARIABLES | {"AWS_ENDPOINT_URL": moto.url}).items():
        monkeypatch.setenv(name, value)
    desk = Desk(tmp_path, moto, capsys)
    for name, body in left.listkeys(services.world):
        desk.object(f"fsck/R/{name}", body)
    for name, body in left.exports(services.world, sign=";"):
        desk.object(f"fsck/R/{name}.gz", gzip.compress(body))

    assert run(services, tmp_path, f"{desk.s3}fsck") == 3

    with opened(services, tmp_path / "rings") as found:
        assert set(told(found)) == left.findings(services.world)


def test_the_list_of_a_single_file_and_metadata_of_today_go_together(
    services: Services, folder: Path, tmp_path: Path
) -> None:
    lists = sorted((folder / "R" / "listkeys.csv").glob("part-*"))
    body = b"\n".join(one.read_bytes() for one in lists)
    for one in (folder / "R" / "listkeys.csv").iterdir():
        one.unlink()
    (folder / "R" / "listkeys.csv").rmdir()
    write(folder / "R" / "listkeys.csv", body)

    assert run(services, tmp_path, str(folder), "listkeys") == 0
    config = configured(services, tmp_path)
    assert main(["ring", "run", "R", "--config", str(config)]) == 3

    with opened(services, tmp_path / "rings") as found:
        kinds = {kind for kind, _, _ in told(found)}
    assert "MISSING" not in kinds
    assert {"UNRESOLVED", "EMPTY_MD", "SIZE_MISMATCH"} <= kinds
    assert services.asked["GET listkeys"] == 0


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("listkeys.csv/part-9.csv", b"AA,BB,disk\n", "part-9.csv:1: 'AA,BB,disk' is no chunk"),
        ("listkeys.csv/part-9.csv.gz", b"no gzip", "part-9.csv.gz: cannot be read"),
        ("listkeys.csv/part-9.csv.gz", gzip.compress(b"_1\n" * 99, mtime=0)[:-9], "cannot be read"),
        ("s3-bucketd/x.txt", b'"one","two"\n', "x.txt:1: 'one,two' is no bucket, key"),
        ("s3-bucketd/x.txt", b'"one","tw', "x.txt:1: cannot be read"),
        ("s3-bucketd/x.txt", b"\xff\xfe,a,b\n", "cannot be read"),
    ],
)
def test_what_is_damaged_is_named(
    name: str,
    body: bytes,
    said: str,
    services: Services,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder / "R" / name, body)

    assert run(services, tmp_path, str(folder)) == 5

    shown = capsys.readouterr().err
    assert (said in shown, shown.count("bucketline: error:"), "Traceback" in shown) == (
        True,
        1,
        False,
    ), shown


def test_a_key_of_another_cloud_is_in_doubt(
    services: Services, folder: Path, tmp_path: Path
) -> None:
    write(folder / "R" / "s3-bucketd" / "x.txt", b'"one","k%00v1","azure:abc"\n"one","e",""\n')
    run(services, tmp_path, str(folder))

    with opened(services, tmp_path / "rings") as found:
        sql = "SELECT key, version FROM missing WHERE class = 'UNRESOLVED' AND input_key = ''"
        assert sorted(found.engine.rows(sql, found.files("missing"))) == [("e", ""), ("k", "v1")]


def test_a_place_that_holds_nothing_of_the_ring_is_told(
    services: Services, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()

    assert run(services, tmp_path, str(tmp_path / "empty")) == 2
    assert "holds no R/listkeys.csv; name the folder in which R/ is" in capsys.readouterr().err


def test_what_was_read_is_not_read_again(
    services: Services, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder / "R" / "listkeys.csv" / "part-9.csv", b"AA,BB\n")
    run(services, tmp_path, str(folder))
    [run_folder] = (tmp_path / "rings" / "R").glob("run-*")
    before = {path.name: path.stat().st_mtime_ns for path in (run_folder / "listkeys").glob("old*")}
    (folder / "R" / "listkeys.csv" / "part-9.csv").unlink()

    assert run(services, tmp_path, str(folder)) == 3

    after = {path.name: path.stat().st_mtime_ns for path in (run_folder / "listkeys").glob("old*")}
    assert before
    assert before.items() <= after.items()
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["class"] == "UNRESOLVED"
