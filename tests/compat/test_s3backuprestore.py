"""A program for the old module, its import line changed, comes to the result of the old rule."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from archives import archive_server
from bucketline.compat import s3backuprestore as s3br
from bucketline.errors import UsageError
from bucketline.flow.report.runs import runs
from desk import VARIABLES
from servers import ACCESS_KEY, REGION, SECRET_KEY, Endpoint

OLD = re.compile(r"^(import|from) s3backuprestore ", re.MULTILINE)
NEW = r"\1 bucketline.compat.s3backuprestore "
Held = dict[str, tuple[bytes, str, dict[str, str]]]  # Bytes, storage class, tags.


@dataclass
class Place:
    """A service, an independent client to it, and a person's program."""

    endpoint: Endpoint
    folder: Path
    start_method: str = "fork"
    url: str = ""  # Where the program goes instead.

    def __post_init__(self) -> None:
        name = uuid.uuid4().hex[:8]
        self.source, self.backup, self.back = f"src-{name}", f"dst-{name}", f"new-{name}"
        words = {"region_name": REGION, "endpoint_url": self.endpoint.url}
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        self.client: Any = boto3.client("s3", **words, **keys)
        self.numbers: Any = boto3.client("cloudwatch", **words, **keys)
        for bucket in (self.source, self.backup, self.back):
            self.client.create_bucket(Bucket=bucket)

    @property
    def around(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        places = {"HOME": str(self.folder), "BUCKETLINE_STATE": str(self.folder / "state")}
        places |= {
            "AWS_ENDPOINT_URL": self.url or self.endpoint.url,
            "START_METHOD": self.start_method,
        }
        return {**kept, **VARIABLES, **places}

    def run(self, program: str, *words: str, code: int = 0) -> str:
        """What it says on stderr."""
        ended = subprocess.run(
            [sys.executable, str(self.written(program)), *words],
            env=self.around,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stderr

    def written(self, program: str) -> Path:
        """Nothing of it is changed but its import line."""
        text, count = OLD.subn(NEW, Path(__file__).with_name(f"{program}.txt").read_text())
        assert count == 1
        file = self.folder / f"{program}.py"
        file.write_text(text)
        return file

    def put(self, bucket: str, key: str, body: bytes, **words: Any) -> None:
        self.client.put_object(Bucket=bucket, Key=key, Body=body, **words)

    def held(self, bucket: str) -> Held:
        listed = self.client.list_objects_v2(Bucket=bucket).get("Contents", [])
        found: Held = {}
        for one in listed:
            where = {"Bucket": bucket, "Key": one["Key"]}
            body = self.client.get_object(**where)["Body"].read()
            tags = self.client.get_object_tagging(**where)["TagSet"]
            found[one["Key"]] = (
                body,
                one["StorageClass"],
                {tag["Key"]: tag["Value"] for tag in tags},
            )
        return found


def furnish(place: Place) -> None:
    for number in range(20):
        place.put(place.source, f"new/{number}", b"new %d" % number, Tagging="a=1")
        place.put(place.source, f"same/{number}", b"A" * number)
        place.put(place.backup, f"same/{number}", b"B" * number)
        place.put(place.source, f"size/{number}", b"longer")
        place.put(place.backup, f"size/{number}", b"short")
        place.put(place.backup, f"gone/{number}", b"gone", Tagging="mine=yes")


def expected(place: Place, *, in_window: bool) -> Held:
    """The old rule: what is missing, differs in size or changed lately; what vanished is tagged."""
    source, backup = place.held(place.source), place.held(place.backup)
    result = dict(backup)
    for key, (body, _, tags) in source.items():
        if key not in backup or len(backup[key][0]) != len(body) or in_window:
            result[key] = (body, "STANDARD_IA", tags)
    for key in backup.keys() - source.keys():
        body, tier, tags = backup[key]
        result[key] = (body, tier, {**tags, "Deleted": "True"})
    return result


def without_times(held: Held) -> Held:
    return {
        key: (body, tier, {name: value for name, value in tags.items() if name != "DeletedAt"})
        for key, (body, tier, tags) in held.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("start_method", ["fork", "spawn"])
def test_the_old_program_backs_up_and_restores_by_the_old_rule(
    tmp_path: Path, moto: Endpoint, start_method: str
) -> None:
    place = Place(moto, tmp_path, start_method)
    furnish(place)
    for hours in (0, 48):
        wanted = expected(place, in_window=hours > 0)
        place.run("nightly", "backup", place.source, place.backup, str(hours))
        held = place.held(place.backup)
        assert without_times(held) == without_times(wanted)
        stamps = [tags["DeletedAt"] for _, _, tags in held.values() if "DeletedAt" in tags]
        assert len(stamps) == 20
        assert all(stamp.endswith("Z") for stamp in stamps)

    place.run("nightly", "restore", place.backup, place.back, "0")

    source = {key: (body, "STANDARD", t) for key, (body, _, t) in place.held(place.source).items()}
    assert place.held(place.back) == source
    rows = runs(tmp_path / "state")
    assert {row.state for row in rows} == {"complete"}
    assert sorted((row.command, row.tally.done) for row in rows if row.tally.done) == [
        *[("sync", 40), ("sync", 60), ("sync", 60)],
        ("tag", 20),
    ]
    told = place.numbers.list_metrics(Namespace=place.source)["Metrics"]
    assert {one["MetricName"] for one in told} == {
        *(f"ObjectsIn{bucket}" for bucket in (place.source, place.backup)),
        "ObjectsToBackup",
    }


@pytest.mark.slow
def test_what_an_archive_holds_is_asked_for_and_comes(tmp_path: Path) -> None:
    """The old module went round and round unless somebody else had asked."""
    with archive_server(tmp_path / "moto") as glacier:
        place = Place(glacier, tmp_path)
        tiers = ("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "STANDARD")
        for tier in tiers:
            place.put(place.backup, tier, tier.encode(), StorageClass=tier)

        place.run("from_archive", place.backup, place.back)

        bodies = {key: body for key, (body, _, _) in place.held(place.back).items()}
        assert bodies == {tier: tier.encode() for tier in tiers}


def test_the_shortest_program_copies_all(tmp_path: Path, moto: Endpoint) -> None:
    place = Place(moto, tmp_path)
    for number in range(30):
        place.put(place.source, f"k{number}", b"%d" % number)

    place.run("getting_started", place.source, place.backup)

    assert place.held(place.backup) == place.held(place.source)


@pytest.mark.slow
def test_what_cannot_be_done_ends_and_is_told(tmp_path: Path, moto: Endpoint) -> None:
    """The old module tried it for ever."""
    place = Place(moto, tmp_path)
    place.put(place.source, "k", b"x")
    place.client.delete_bucket(Bucket=place.backup)
    place.run("nightly", "backup", place.source, place.backup, "0", code=1)
    place.client.create_bucket(Bucket=place.backup)
    tags = "&".join(f"t{number}=1" for number in range(9))
    place.put(place.backup, "full", b"x", Tagging=tags)

    said = place.run("nightly", "backup", place.source, place.backup, "0", code=1)

    assert "MpTagDeletedObjects: 1 of 1 objects were not done" in said
    assert "two more do not fit" in said
    assert place.held(place.backup)["k"][0] == b"x"


def test_words_are_checked_before_anything_begins() -> None:
    with pytest.raises(UsageError, match="RequestPayer is not known here"):
        s3br.Config("a", "b", extra_args={"RequestPayer": "requester"})
    with pytest.raises(TypeError, match="say copy_queue or backup_queue"):
        s3br.MpBackup(s3br.Config("a", "b"))


def test_no_secret_is_shown() -> None:
    config = s3br.Config("a", "b", "demo-access", SECRET_KEY, "demo-token")
    assert SECRET_KEY not in repr(config)
    assert "demo-token" not in repr(config)
    keys = config.remote().keys
    assert keys is not None
    assert keys.secret_key.reveal == SECRET_KEY


def test_a_bucket_is_listed_and_emptied_without_a_config(
    tmp_path: Path, moto: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(moto, tmp_path)
    for name, value in place.around.items():
        monkeypatch.setenv(name, value)
    place.client.put_bucket_versioning(
        Bucket=place.source, VersioningConfiguration={"Status": "Enabled"}
    )
    for number in range(5):
        place.put(place.source, f"k{number}", b"1")
        place.put(place.source, f"k{number}", b"2")

    assert s3br.get_objects(place.source, objects_count=2) == ["k0", "k1"]
    assert s3br.delete_objects(place.source, with_versions=True)
    place.client.delete_bucket(Bucket=place.source)
    assert not s3br.delete_objects(place.source)
