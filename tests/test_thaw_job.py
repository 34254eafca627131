"""A thaw as a job that S3 does by itself: its manifest, its request, and when there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator

from archives import Archive, archive_server, asked, put
from desk import Desk
from faults.kinds import refuse
from faults.proxy import FaultProxy
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[FaultProxy]:
    with archive_server(tmp_path / "moto") as glacier, FaultProxy(glacier.url) as between:
        yield between


@pytest.fixture
def desk(tmp_path: Path, proxy: FaultProxy, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, Endpoint(proxy.url), capsys)


def test_a_job_for_s3_has_what_is_frozen_and_nothing_is_asked_for(
    desk: Desk, proxy: FaultProxy
) -> None:
    archive = Archive(proxy)
    put(desk, "GLACIER", "a b+c/ä", "over")
    put(desk, "INTELLIGENT_TIERING", "tiered")
    put(desk, "", "plain")
    archive.expired |= {"over"}
    archive.tiered |= {"tiered"}
    csv, job = desk.here / "thaw.csv", desk.here / "job.json"

    words = ("--s3-batch", str(csv), "--job", str(job), "--tier", "bulk", "--days", "14")
    told = desk.run("thaw", desk.s3, *words)[-1]

    assert csv.read_text() == f"{desk.bucket},a%20b%2Bc/%C3%A4\n{desk.bucket},over\n"
    assert told["request"] == (request := json.loads(job.read_text()))
    assert request["Operation"] == {
        "S3InitiateRestoreObject": {"ExpirationInDays": 14, "GlacierJobTier": "BULK"}
    }
    assert request["Manifest"]["Location"]["ETag"] == md5(csv.read_bytes()).hexdigest()
    shape = Session().get_service_model("s3control").operation_model("CreateJob").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert asked(proxy) == []
    desk.run("thaw", desk.s3, "--s3-batch", str(csv), "--tier", "Expedited", code=2)
    desk.run("thaw", f"{desk.s3}plain", "--s3-batch", str(csv), code=7)
    desk.run("thaw", desk.s3, "--job", str(job), code=2)


def test_few_are_asked_for_here_and_no_job_is_made(desk: Desk, proxy: FaultProxy) -> None:
    Archive(proxy)
    put(desk, "GLACIER", "a", "b")
    csv = desk.here / "thaw.csv"
    words = ("thaw", desk.s3, "--s3-batch", str(csv), "--s3-batch-above")

    desk.run(*words, "1")
    assert (csv.read_text().count("\n"), asked(proxy)) == (2, [])
    csv.unlink()
    desk.run(*words, "2", code=4)

    assert (csv.exists(), asked(proxy)) == (False, ["a", "b"])
    desk.run("thaw", desk.s3, "--s3-batch-above", "2", code=2)
    desk.run(*words, "2", "--dry-run", code=2)


def test_what_could_not_be_looked_at_is_told(desk: Desk, proxy: FaultProxy) -> None:
    put(desk, "GLACIER", "a", "b")
    proxy.add(refuse(403, "AccessDenied"), method="HEAD", path=r"/b$")
    csv = desk.here / "thaw.csv"

    told = desk.run("thaw", desk.s3, "--s3-batch", str(csv), code=1)[-1]

    assert csv.read_text() == f"{desk.bucket},a\n"
    assert (told["objects"], told["unknown"]) == (1, 1)
