"""What is done through an access point, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bucketline.cli import main
from bucketline.clock import FakeClock, SystemClock
from bucketline.errors import NoBucket, Unsupported
from bucketline.flow.drive import blocking
from bucketline.settings import Remote
from bucketline.stores.s3 import S3Store
from desk import Desk
from points import Edge
from s3_by_hand import KEYS, START, Played, answer
from servers import Endpoint

ACCOUNT = "123456789012"
POINT = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/my-point"
OUTPOSTS = f"arn:aws:s3-outposts:us-west-2:{ACCOUNT}:outpost/op-01ac5d28a6a232904/accesspoint/ap-1"
EVERYWHERE = f"arn:aws:s3::{ACCOUNT}:accesspoint/mfzwi23gnjvgw.mrap"
LAMBDA = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/redact"


def at_point(arn: str = POINT) -> S3Store:
    return S3Store(Remote(keys=KEYS), arn, clock=FakeClock(START))


@pytest.mark.parametrize("arn", [POINT, OUTPOSTS, EVERYWHERE, LAMBDA])
def test_what_is_about_the_bucket_is_not_asked_of_an_access_point(arn: str) -> None:
    store = at_point(arn)
    for flow in (store.create_bucket(), store.get_versioning(), store.get_lock()):
        with pytest.raises(Unsupported, match="name the bucket itself"):
            next(flow)


def test_an_access_point_is_where_its_arn_says_whatever_a_server_answers() -> None:
    elsewhere = answer(
        307, location="http://my-point-123456789012.evil.example/", x_amz_bucket_region="us-west-2"
    )

    with pytest.raises(NoBucket, match=r"the bucket is at my-point-123456789012\.evil\.example"):
        Played(at_point().head_bucket(), elsewhere)


BUCKETS = {
    "my-point-123456789012.s3-accesspoint.eu-west-1.amazonaws.com": "eu-west-1/s3",
    "ap-1-123456789012.op-01ac5d28a6a232904.s3-outposts.us-west-2.amazonaws.com": (
        "us-west-2/s3-outposts"
    ),
    "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com": "*/s3",
    "redact-123456789012.s3-object-lambda.us-east-1.amazonaws.com": "us-east-1/s3-object-lambda",
}
HOSTS = dict(zip((POINT, OUTPOSTS, EVERYWHERE, LAMBDA), BUCKETS, strict=True))


@pytest.fixture
def edge(desk: Desk, rclone: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    """Amazon's hosts; all of them are ways into the desk's bucket."""
    points = dict.fromkeys(BUCKETS, desk.bucket)
    with Edge(points=points, scopes=BUCKETS, behind=rclone) as edge:
        trusted = desk.here / "authority.pem"
        edge.authority.cert_pem.write_to_path(trusted)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
        monkeypatch.setenv("HTTPS_PROXY", edge.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        yield edge


def ran(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> list[dict[str, Any]]:
    ended = main([*words, "--json"])
    said = capsys.readouterr()
    assert ended == code, said
    return [json.loads(line) for line in said.out.split("\n") if line]


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("arn", [POINT, OUTPOSTS, EVERYWHERE, LAMBDA])
def test_a_folder_goes_through_an_access_point_and_comes_back(
    arn: str, desk: Desk, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    bodies = {"a.txt": b"one", "deep/ü +%.txt": b"two", "empty": b""}
    for name, body in bodies.items():
        desk.file(name, body)
    place, back = f"s3://{arn}/p:q/", str(desk.here / "back")

    there = ran(capsys, "sync", str(desk.folder), place)[-1]
    again = ran(capsys, "sync", str(desk.folder), place)[-1]
    desk.file("a.txt", b"changed")
    differences = ran(capsys, "check", str(desk.folder), place, code=3)
    listed = ran(capsys, "ls", place)
    ran(capsys, "sync", place, back)

    assert (there["done"], again["done"], again["skipped"]) == (3, 0, 3)
    assert [row["key"] for row in differences if row.get("symbol") == "*"] == ["a.txt"]
    assert sorted(row["key"] for row in listed) == sorted(f"p:q/{name}" for name in bodies)
    assert {name: (desk.here / "back" / name).read_bytes() for name in bodies} == bodies
    assert desk.body("p:q/deep/ü +%.txt") == b"two"
    assert edge.refused == []
    assert {request.header("host") for request in edge.requests} == {HOSTS[arn]}


@pytest.mark.usefixtures("surroundings")
def test_one_access_point_is_copied_into_another(
    desk: Desk, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.object("from/k", b"body")

    told = ran(capsys, "sync", f"s3://{POINT}/from/", f"s3://{OUTPOSTS}/to/")[-1]
    refused = main(["sync", f"s3://{POINT}/from/", f"s3://{POINT}/from/in/"])

    assert (told["done"], desk.body("to/k")) == (1, b"body")
    assert refused == 2
    assert "is inside the source" in capsys.readouterr().err
    assert edge.refused == []


@pytest.mark.usefixtures("surroundings")
@pytest.mark.parametrize("arn", [POINT, OUTPOSTS, EVERYWHERE])
def test_doctor_tells_what_an_access_point_can_do(
    arn: str, desk: Desk, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.object("k", b"body")

    found = {
        row["about"]: row for row in ran(capsys, "doctor", f"s3://{arn}/", "--write-probe", "x/")
    }

    assert found["lists in key order"]["answer"] == "yes"
    assert found["writes"]["answer"] == "yes"
    assert "name the bucket itself" in found["versioning"]["detail"]
    copies = "no" if arn == EVERYWHERE else "yes"
    assert found["copies on its own"]["answer"] == copies
    assert edge.refused == []


def test_a_copy_within_the_service_names_its_source_by_the_access_point(
    desk: Desk, edge: Edge
) -> None:
    desk.object("dir/ü:1", b"body")
    remote = Remote(keys=edge.keys, proxy=edge.url, ca_bundle=str(desk.here / "authority.pem"))
    store = S3Store(remote, POINT, clock=SystemClock())
    entry = blocking(store.stat("dir/ü:1")).entry

    blocking(store.copy("to", POINT, entry))

    assert desk.body("to") == b"body"
    copied = edge.requests[-1].header("x-amz-copy-source")
    assert copied == f"{POINT.replace(':', '%3A')}/object/dir/%C3%BC%3A1"


@pytest.mark.slow
@pytest.mark.usefixtures("surroundings")
def test_an_access_point_that_is_not_there_is_told_by_its_host(
    edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["ls", f"s3://arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/missing/"])

    assert code == 5
    assert "missing-123456789012.s3-accesspoint.eu-west-1" in capsys.readouterr().err
    assert edge.refused


@pytest.mark.usefixtures("surroundings")
def test_a_named_remote_reaches_its_access_points_by_its_own_endpoint(
    desk: Desk, edge: Edge, capsys: pytest.CaptureFixture[str]
) -> None:
    edge.points["my-point-123456789012.s3.example"] = desk.bucket
    edge.scopes = edge.scopes | {"my-point-123456789012.s3.example": "eu-west-1/s3"}
    config = desk.here / "config.yaml"
    config.write_text("remotes: {own: {endpoints: https://s3.example}}\n")
    desk.object("k", b"body")

    listed = ran(capsys, "ls", f"own:{POINT}/", "--config", str(config))

    assert [row["key"] for row in listed] == ["k"]
    assert edge.refused == []
