"""What the service tells of backups, thaws, rings, proofs, plans, and of logs kept elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.vault import Vault
from bucketline.cli import main
from bucketline.engines.ring.capacity import capacity
from bucketline.engines.ring.findings import counts
from bucketline.flow.drive import blocking
from bucketline.model import Attributes
from desk import Desk
from ring.services import serve
from ring.sites import configured, look, opened
from ring.world import World
from servers import Endpoint
from service.serving import Service, new_token, serving

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def token(tmp_path: Path) -> str:
    return new_token(tmp_path / "state", "--scope", "run")


@pytest.fixture
def service(tmp_path: Path, token: str) -> Iterator[Service]:
    """Of the state folder that every command of the test has, and a configuration beside it."""
    config = tmp_path / "c.yaml"
    config.touch()
    with serving(tmp_path / "state", "--insecure-http", "--config", str(config)) as one:
        yield one


def test_backups_and_thaws(
    tmp_path: Path,
    moto: Endpoint,
    service: Service,
    token: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    vault = Vault(tmp_path, moto, capsys)
    vault.put("a", b"1")
    vault.back_up()
    blocking(vault.store.write("cold", b"2", attributes=Attributes(tier="GLACIER")))
    vault.run("thaw", vault.s3, "--include", "cold", "--tier", "bulk", code=4)
    vault.back_up()

    [backup] = service.ask("/v1/backups", token).json["backups"]
    [thaw] = service.ask("/v1/thaws", token).json["thaws"]

    assert (backup["command"], backup["state"], backup["found"]) == ("backup", "complete", 2)
    assert (backup["succeeded"], backup["done"]) == (backup["ended"], 1)
    assert (thaw["state"], thaw["waiting"], thaw["succeeded"]) == ("waiting", 1, None)
    assert thaw["configuration"]["tier"] == "Bulk"
    [left] = service.ask(f"/v1/runs/{thaw['run']}/objects?fate=waiting", token).json["objects"]
    assert left["key"] == "cold"


def test_what_the_fsck_of_a_ring_found(tmp_path: Path, token: str) -> None:
    state = tmp_path / "state"
    with serve(World(7, 40)) as services:
        config = configured(services, tmp_path)
        words = ("--insecure-http", "--config", str(config))
        with opened(services, tmp_path / "rings") as found, serving(state, *words) as service:
            assert service.ask("/v1/rings", token).json["rings"][0]["last"] is None
            assert service.ask("/v1/rings/R/findings", token).status == 404
            look(found)
            [before] = service.ask("/v1/rings", token).json["rings"]
            capacity(found)
            [ring] = service.ask("/v1/rings", token).json["rings"]
            truth = dict(counts(found))
            pages = [
                service.ask(f"/v1/rings/R/findings?limit=7&offset={offset}", token).json
                for offset in range(0, sum(truth.values()) + 7, 7)
            ]
            some = service.ask("/v1/rings/R/findings?class=ORPHAN", token).json["findings"]
            for path in ("rings/R/findings?class=X", "rings/none/findings"):
                assert service.ask(f"/v1/{path}", token).status == 404

    assert (ring["error"], before["last"]["capacity"]) == ("", {})
    assert {one["class"]: one["count"] for one in ring["last"]["classes"]} == truth
    assert ring["last"]["orphans"][-1]["count"] == truth["ORPHAN"] + truth.get("ORPHAN_CHILD", 0)
    assert set(ring["last"]["capacity"]) == {"what", "bucket", "protection", "age"}
    rows = [tuple(row.values()) for page in pages for row in page["findings"]]
    assert (len(rows), len(set(rows)), rows) == (sum(truth.values()), len(rows), sorted(rows))
    assert {row["class"] for row in some} == {"ORPHAN"}


def test_a_proof_is_one_that_can_be_checked(
    desk: Desk, service: Service, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.file("a", b"123")
    desk.sync(str(desk.folder), desk.s3)

    told = service.ask("/v1/runs/last/proof", token)

    assert "attachment" in told.headers["content-disposition"]
    (desk.here / "proof").write_bytes(told.body)
    assert main(["proof", "check", str(desk.here / "proof"), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert (checked["is_valid"], checked["objects"], checked["bytes"]) == (True, 1, 3)
    assert service.ask("/v1/runs/last/proof?of=all", token).status == 400
    assert service.ask("/v1/runs/none/proof", token).status == 404


def test_a_plan_is_what_the_job_would_do(desk: Desk, service: Service, token: str) -> None:
    desk.file("a", b"123")
    config = f"jobs:\n  copies: {{source: {desk.folder}, target: {desk.here}/copy}}\n"
    (desk.here / "c.yaml").write_text(f"{config}  lost: {{source: /none/such, target: /tmp/x}}\n")

    *steps, total = (
        json.loads(line)
        for line in service.ask("/v1/jobs/copies/plan", token, "POST").body.splitlines()
    )
    [lost] = service.ask("/v1/jobs/lost/plan", token, "POST").body.splitlines()

    assert [(step["verb"], step["key"]) for step in steps] == [("copy", "a")]
    assert total["event"] != "error"
    assert not (desk.here / "copy").exists()
    assert json.loads(lost)["event"] == "error"
    assert "/none/such" in json.loads(lost)["message"]
    assert service.ask("/v1/jobs/none/plan", token, "POST").status == 404
    assert service.ask("/v1/jobs/copies/plan", new_token(service.state), "POST").status == 403
    assert service.ask("/v1/runs", token).json["total"] == 0  # A look is no run.


def test_logs_that_are_kept_in_a_bucket_are_told_of_too(
    desk: Desk, token: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = {"status": "Completed", "objects_moved": [{"src_key": "k"}], "start_time_epoch": 5}
    desk.object("logs/dt_data_5.json", json.dumps(old).encode())
    desk.object("logs/hs_data_7.json", b"[]")
    desk.object("logs/notes.txt", b"not ours")
    desk.object("logs/dt_data_6.json.lock", b"")
    desk.file("a", b"123")
    desk.sync(str(desk.folder), f"{desk.s3}there/", "--log-location", f"{desk.s3}logs")
    words = ("--insecure-http", "--endpoint-url", desk.url, "--log-location", f"{desk.s3}logs")

    with serving(desk.state, *words) as service:
        names = service.ask("/logs?start=0&end=9999999999", token).json
        told = service.ask("/log/5", token).json
        whole = service.ask("/log/5?retrieve_objects_moved=true", token).json
        latest = service.ask("/log/latest", token).json
        broken = service.ask("/log/7", token)
        assert service.ask("/log/6", token).status == 404

    assert names[:2] == ["dt_data_5.json", "hs_data_7.json"]
    assert len(names) == 3  # Our own run is told once, though it is kept there, too.
    assert (told, whole) == ({"status": "Completed", "start_time_epoch": 5}, old)
    assert latest["status"] == "Completed"
    assert latest["start_time_epoch"] > 7
    assert (broken.status, "no JSON object" in broken.json["error"]["message"]) == (503, True)
