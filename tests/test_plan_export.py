"""A plan as a job for S3 Batch Operations: its manifest, its request, and what it cannot do."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_plus

import botocore.session
import pytest
from botocore.validate import ParamValidator

from bucketline.cli import main
from bucketline.flow.plans import Head, SavedPlan, Totals, write_plan
from bucketline.model import Action, Copy, Delete, Entry
from contracts.hostile import HOSTILE

pytestmark = pytest.mark.usefixtures("surroundings")
GIB = 1 << 30


def place(bucket: str, prefix: str = "", **more: Any) -> dict[str, Any]:
    where = {"remote": "s3", "endpoints": [], "region": "eu-central-1", "bucket": bucket}
    where |= {"prefix": prefix, **more}
    text = f"s3://{bucket}/{prefix}"
    return {"text": text, "identity": f"s3://{bucket}/{prefix}", "place": where}


def a_copy(key: str, target: str = "", size: int = 1, **more: str) -> Copy:
    return Copy(Entry(key, size, 1_700_000_000.4, "e", **more), target or key)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(*actions: Action, **head: Any) -> SavedPlan:
    first = {"source": place("photos"), "target": place("copy"), **head}
    said = Head(1_800_000_000.5, "bucketline 9", **first)
    write_plan(Path("it.plan"), said, actions, _nothing)
    return SavedPlan.open(Path("it.plan"))


def _nothing(totals: Totals) -> None:
    """Nothing more is known."""


def export(*words: str) -> int:
    return main(["plan", "export", "it.plan", "--s3-batch", "m.csv", "--job", "j.json", *words])


def request() -> dict[str, Any]:
    said: dict[str, Any] = json.loads(Path("j.json").read_text())
    return said


def copying() -> dict[str, Any]:
    said: dict[str, Any] = request()["Operation"]["S3PutObjectCopy"]
    return said


def test_the_manifest_and_the_request_are_as_written_here(here: Path) -> None:
    saved = plan(a_copy("a b/c+d,e"), a_copy("é"))

    assert export() == 0
    body = Path("m.csv").read_bytes()
    assert body == b"photos,a%20b/c%2Bd%2Ce\nphotos,%C3%A9\n"
    assert request() == {
        "AccountId": "<ACCOUNT>",
        "ConfirmationRequired": True,
        "Operation": {
            "S3PutObjectCopy": {
                "TargetResource": "arn:aws:s3:::copy",
                "MetadataDirective": "COPY",
                "UnModifiedSinceConstraint": "2027-01-15T08:00:01Z",
            }
        },
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {
                "ObjectArn": "arn:aws:s3:::<BUCKET>/<KEY>",
                "ETag": hashlib.md5(body).hexdigest(),
            },
        },
        "Report": {
            "Bucket": "arn:aws:s3:::<BUCKET>",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "Prefix": "reports",
            "ReportScope": "AllTasks",
        },
        "ClientRequestToken": saved.sha256,
        "Description": f"bucketline plan {saved.sha256[:12]}",
        "Priority": 10,
        "RoleArn": "arn:aws:iam::<ACCOUNT>:role/<ROLE>",
    }


@pytest.mark.parametrize("versions", [False, True])
def test_the_request_is_one_that_the_service_knows(versions: bool, here: Path) -> None:
    plan(a_copy("a", "x/a", tier="STANDARD_IA", version="v" if versions else ""))
    assert export() == 0
    model = botocore.session.get_session().get_service_model("s3control")
    shape = model.operation_model("CreateJob").input_shape
    told = ParamValidator().validate(request(), shape)

    assert told.generate_report() == ""
    names = shape.members["Operation"].members["S3PutObjectCopy"].members
    assert copying().keys() <= names.keys()
    assert copying()["StorageClass"] in names["StorageClass"].enum


def test_keys_can_be_decoded_by_either_rule(here: Path) -> None:
    keys = sorted({key for case in HOSTILE.values() for key in case})
    plan(*(a_copy(key) for key in keys))

    assert export() == 0
    with Path("m.csv").open(newline="") as lines:
        rows = list(csv.reader(lines, strict=True))
    assert {len(row) for row in rows} == {2}
    assert [unquote(key) for _, key in rows] == [unquote_plus(key) for _, key in rows] == keys


def test_versions_are_named_if_all_have_one(here: Path) -> None:
    plan(a_copy("a", version="v1"), a_copy("b", version="v2"))
    assert export() == 0
    assert Path("m.csv").read_text() == "photos,a,v1\nphotos,b,v2\n"
    assert request()["Manifest"]["Spec"]["Fields"] == ["Bucket", "Key", "VersionId"]
    assert "UnModifiedSinceConstraint" not in copying()

    plan(a_copy("a", version="v1"), a_copy("b"))
    assert export() == 0
    assert Path("m.csv").read_text() == "photos,a\nphotos,b\n"


def test_what_is_newer_than_our_clock_can_still_be_copied(here: Path) -> None:
    plan(Copy(Entry("a", 1, 1_900_000_000.2, "e"), "a"))

    assert export() == 0
    assert copying()["UnModifiedSinceConstraint"] == "2030-03-17T17:46:41Z"


def test_a_folder_before_all_keys_can_be_named(here: Path) -> None:
    plan(a_copy("p/a", "old/p/a"), a_copy("p/b", "old/p/b"), target=place("copy", "old/p/"))

    assert export() == 0
    assert copying()["TargetKeyPrefix"] == "old"


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("", "aws")])
def test_the_partition_follows_the_region(region: str, partition: str, here: Path) -> None:
    plan(a_copy("a"), target=place("copy", region=region))

    assert export() == 0
    assert copying()["TargetResource"] == f"arn:{partition}:s3:::copy"


LEFT: dict[str, tuple[Action, str]] = {
    "a delete": (Delete(Entry("x", 1)), "1 deletes"),
    "a large one": (a_copy("x", size=5 * GIB + 1), "1 larger than 5 GiB"),
    "another name": (a_copy("x", "y"), "1 under another name at the target"),
    "a slash in front": (a_copy("x", "/x"), "1 under another name at the target"),
    "another folder": (a_copy("x", "z/x"), "1 under another name at the target"),
    "an archived one": (a_copy("x", tier="GLACIER"), "1 in the archive GLACIER"),
    "another class": (a_copy("x", tier="STANDARD_IA"), "1 of the storage class STANDARD_IA"),
    "a class of others": (a_copy("x", tier="OUTPOSTS"), "1 of the storage class OUTPOSTS"),
    "no key": (Copy(Entry("x", 0), "x", refused="not UTF-8"), "1 what no key can stand for"),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_a_job_cannot_do_is_said_and_never_dropped(
    case: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    action, said = LEFT[case]
    saved = plan(a_copy("a", size=5 * GIB), action)

    assert export() == 7
    assert said in capsys.readouterr().err
    assert not Path("m.csv").exists()
    assert not Path("j.json").exists()

    assert export("--rest", "rest.plan") == 0
    assert said in capsys.readouterr().err
    assert Path("m.csv").read_text() == "photos,a\n"
    rest = SavedPlan.open(Path("rest.plan"))
    assert list(rest.actions()) == [action]
    assert (rest.head.rest_of, rest.head.source) == (saved.sha256, saved.head.source)


def test_a_rest_can_be_exported_again(here: Path) -> None:
    plan(a_copy("a"), a_copy("b", tier="STANDARD_IA"))
    assert export("--rest", "rest.plan") == 0
    Path("rest.plan").replace("it.plan")

    assert export() == 0
    assert copying()["StorageClass"] == "STANDARD_IA"


def test_without_a_rest_no_file_is_written_for_it(here: Path) -> None:
    plan(a_copy("a"))

    assert export("--rest", "rest.plan") == 0
    assert not Path("rest.plan").exists()


def test_without_a_file_the_request_is_printed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(a_copy("a"))

    assert main(["plan", "export", "it.plan", "--s3-batch", "m.csv"]) == 0
    assert json.loads(capsys.readouterr().out)["Priority"] == 10


def test_programs_get_it_in_one_record(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan(a_copy("a", size=7), Delete(Entry("x", 1)))

    assert export("--rest", "rest.plan", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["copies"], told["bytes"], told["left"]) == (1, 7, {"deletes": 1})
    assert told["request"] == request()


FOLDER = {"text": "a", "identity": "/a", "place": {"folder": "/a", "prefix": ""}}
REFUSED: dict[str, tuple[dict[str, Any], str, int]] = {
    "a folder": ({"source": FOLDER}, "a: is no bucket", 2),
    "another service": (
        {"target": place("copy", endpoints=["https://s3.example"])},
        "is not on AWS",
        2,
    ),
    "a name like AWS": (
        {"target": place("copy", endpoints=["https://notamazonaws.com"])},
        "is not on AWS",
        2,
    ),
    "an access point": (
        {"source": place("arn:aws:s3:eu-central-1:123456789012:accesspoint/x")},
        "is no bucket",
        2,
    ),
    "attributes": ({"policy": {"attributes": {"acl": "private"}}}, "it sets acl", 2),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_plan_of_other_places_is_refused(
    case: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head, said, code = REFUSED[case]
    plan(a_copy("a"), **head)

    assert export() == code
    assert said in capsys.readouterr().err
    assert not Path("m.csv").exists()


def test_an_endpoint_of_aws_is_aws(here: Path) -> None:
    url = "https://vpce-1-a.s3.eu-central-1.vpce.amazonaws.com"
    plan(a_copy("a"), source=place("photos", endpoints=[url]))

    assert export() == 0


def test_nothing_to_copy_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan(Delete(Entry("x", 1)))

    assert export("--rest", "rest.plan") == 7
    assert "nothing in it that a job could do: 1 deletes" in capsys.readouterr().err
