"""Numbers of runs: their old names, the file for Prometheus, and what CloudWatch is sent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session
from ruamel.yaml import YAML

from bucketline.cli import main
from bucketline.clock import FakeClock, SystemClock
from bucketline.errors import BadCredentials, Denied, UsageError
from bucketline.flow.drive import blocking
from bucketline.flow.metrics import textfile
from bucketline.flow.metrics.cloudwatch import CloudWatch
from bucketline.flow.metrics.sample import Datum, Sample, old_names
from bucketline.flow.metrics.teller import Teller
from bucketline.model import Tally
from bucketline.settings import Keys, Secret
from desk import Desk
from s3_by_hand import KEYS, Played, refused
from servers import ACCESS_KEY, REGION, SECRET_KEY, Endpoint

SAMPLE = Sample(
    "sync",
    tally=Tally(skipped=50, done=20, failed=3, waiting=2, under_way=5, bytes_done=999),
    buckets={"photos": 100, "copy": 60},
    found=100,
    slow_downs=4,
    more={"ObjectsToTagAsDeleted": 7},
)


def test_the_old_names_tell_what_is_left_and_what_came_since() -> None:
    before = replace(SAMPLE, slow_downs=1, tally=Tally(failed=1))

    assert [*old_names(SAMPLE, before)] == [
        Datum("ObjectsInphotos", 100),
        Datum("ObjectsIncopy", 60),
        Datum("ObjectsToCompare", 25),
        Datum("ObjectsToBackup", 30),
        Datum("ObjectsToTagAsDeleted", 7),
        Datum("SlowDown", 3),
        Datum("BackupObjectsErrors", 2),
    ]


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("backup", {"ObjectsToBackup", "BackupObjectsErrors"}),
        ("restore", {"ObjectsToRestore", "RestoreObjectsErrors"}),
        ("thaw", {"ObjectsToThaw", "ThawObjectsErrors"}),
        ("check", {"ObjectsToCompare", "CompareObjectsErrors"}),
    ],
)
def test_each_command_has_its_own_names(command: str, names: set[str]) -> None:
    assert names <= {datum.name for datum in old_names(Sample(command))}


def test_the_file_is_what_prometheus_reads_and_keeps_the_last_success(tmp_path: Path) -> None:
    file = tmp_path / "bucketline.prom"
    labels = {"name": 'a "b"\\c\nd'}
    textfile.write(file, replace(SAMPLE, state="complete", labels=labels), 1000.0)
    textfile.write(file, replace(SAMPLE, state="failed", labels=labels), 2000.0)

    lines = file.read_text().splitlines()
    said = r'command="sync",name="a \"b\"\\c\nd"'
    assert f"bucketline_last_success_timestamp_seconds{{{said}}} 1000.0" in lines
    assert f'bucketline_objects{{{said},fate="done"}} 20' in lines
    assert f'bucketline_run_state{{{said},state="failed"}} 1.0' in lines
    for line in lines:
        assert re.fullmatch(
            r"# (HELP|TYPE) \w+ .+|\w+\{(\w+=\"(\\.|[^\"\\])*\",?)+\} [0-9.]+", line
        )
    assert [*tmp_path.iterdir()] == [file]
    assert file.stat().st_mode & 0o777 == 0o644


def cloudwatch(endpoint: str = "http://127.0.0.1:9/", **words: Any) -> CloudWatch:
    return CloudWatch(REGION, FakeClock(), endpoint=endpoint, **words)


def test_what_cloudwatch_would_refuse_each_time_is_refused_at_once() -> None:
    for words in ({"namespace": "AWS/S3"}, {"namespace": ""}, {"dimension": ""}):
        with pytest.raises(UsageError):
            cloudwatch(**words).check()
    with pytest.raises(UsageError, match="needs a region"):
        CloudWatch("", FakeClock()).check()
    with pytest.raises(BadCredentials):
        Played(cloudwatch().put([Datum("a", 1)], None))


def test_many_numbers_go_in_several_requests_and_a_refusal_names_its_code() -> None:
    data = [Datum(f"m{number}", number) for number in range(501)]
    with pytest.raises(Denied, match="AccessDenied"):
        Played(cloudwatch().put(data, KEYS), refused(403, "AccessDenied"))


def test_amazons_address_is_the_regions() -> None:
    assert CloudWatch("eu-west-1", FakeClock()).url == "https://monitoring.eu-west-1.amazonaws.com"
    assert CloudWatch("cn-north-1", FakeClock()).url.endswith(".amazonaws.com.cn")


def statistics(moto: Endpoint, namespace: str, name: str, dimension: str) -> dict[str, Any]:
    client = Session().create_client(
        "cloudwatch",
        region_name=REGION,
        endpoint_url=moto.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    now = SystemClock().now()
    told = client.get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": dimension, "Value": name}],
        StartTime=now - 600,
        EndTime=now + 600,
        Period=3600,
        Statistics=["Sum", "Average", "SampleCount"],
    )
    return told["Datapoints"][0] if told["Datapoints"] else {}


def test_cloudwatch_has_the_numbers_that_were_sent(moto: Endpoint) -> None:
    place = CloudWatch(REGION, SystemClock(), "Ours/One", "Stage", moto.url)
    keys = Keys(ACCESS_KEY, Secret(SECRET_KEY))

    blocking(place.put([Datum("ObjectsToBackup", 7), Datum("SlowDown", 0)], keys))

    assert statistics(moto, "Ours/One", "ObjectsToBackup", "Stage")["Average"] == 7.0
    assert statistics(moto, "Ours/One", "SlowDown", "Stage")["Sum"] == 0.0


@pytest.mark.usefixtures("surroundings")
def test_a_run_tells_its_numbers_and_who_does_not_listen_stops_nothing(
    tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, moto, capsys)
    for number in range(3):
        desk.object(f"k{number}", b"x")
    file, back = tmp_path / "run.prom", str(tmp_path / "back")
    to = ("--cloudwatch", desk.bucket, "--cloudwatch-endpoint")

    desk.sync(desk.s3, back, "--metrics-file", str(file), *to, moto.url)

    assert statistics(moto, desk.bucket, f"ObjectsIn{desk.bucket}", "Dev")["Sum"] >= 3.0
    assert statistics(moto, desk.bucket, "BackupObjectsErrors", "Dev")["Sum"] == 0.0
    assert 'fate="done"} 3' in file.read_text()

    seen = tmp_path / "verify.prom"
    desk.run("verify", "last", "--metrics-file", str(seen))
    assert 'bucketline_objects{command="verify",' in seen.read_text()
    assert "last_success" in seen.read_text()

    words = ["sync", desk.s3, back, *to, "http://127.0.0.1:9", "--endpoint-url", desk.url]
    assert main([*words, "--metrics-file", "/proc/none.prom"]) == 0
    errors = capsys.readouterr().err
    assert errors.count("the run goes on without them") == 2
    assert main(["sync", desk.s3, back, "--cloudwatch-dimension", "x"]) == 2


def test_what_could_not_be_told_comes_along_with_the_next() -> None:
    clock, said = FakeClock(), list[str]()
    told: list[tuple[int, int | None]] = []

    def tell(sample: Sample, before: Sample | None) -> None:
        told.append((sample.slow_downs, before.slow_downs if before else None))
        if sample.slow_downs == 1:
            raise Denied("no")

    for slow_downs in (1, 2):
        teller = Teller(tell, 30.0, clock, said.append)
        teller.end(Sample("sync", slow_downs=slow_downs))

    assert told == [(1, None), (2, None)]
    assert said == ["metrics: no; the run goes on without them"]


def test_idle_passes_are_told_when_it_is_time_and_not_each() -> None:
    clock, due = FakeClock(), 0.0
    told: list[str] = []

    def one_pass(state: str, *, is_idle: bool) -> None:
        nonlocal due
        teller = Teller(lambda one, _: told.append(one.state), 30.0, clock, print, due=due)
        due = teller.end(Sample("sync", state), is_idle=is_idle)

    for state in ("first", "idle", "still idle"):
        one_pass(state, is_idle=True)
    one_pass("moved", is_idle=False)
    clock.sleep(31)
    one_pass("idle again", is_idle=True)

    assert told == ["first", "moved", "idle again"]


@pytest.mark.usefixtures("surroundings")
def test_a_relay_tells_of_both_hops(
    tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(tmp_path, moto, capsys)
    desk.object("k", b"x")
    volume, back, file = tmp_path / "volume", tmp_path / "back", tmp_path / "relay.prom"
    volume.mkdir()
    words = ("--volume", str(volume), "--once", "--metrics-file", str(file))
    to = ("--cloudwatch", desk.bucket, "--cloudwatch-endpoint", moto.url)

    desk.run("relay", "run", desk.s3, str(back), *words, *to)

    for hop in ("fetch", "forward"):
        text = (tmp_path / f"relay.{hop}.prom").read_text()
        assert f'command="relay {hop}",' in text
        assert 'fate="done"} 1' in text
    assert statistics(moto, desk.bucket, "ObjectsToForward", "Dev")["SampleCount"] >= 1
    assert statistics(moto, desk.bucket, "FetchObjectsErrors", "Dev")["Sum"] == 0.0


@pytest.mark.usefixtures("surroundings")
def test_a_backup_tells_what_is_to_be_tagged(
    tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    desk, there = Desk(tmp_path, moto, capsys), Desk(tmp_path / "there", moto, capsys)
    for key in ("stays", "goes"):
        desk.object(key, b"x")
    to = ("--cloudwatch", desk.bucket, "--cloudwatch-endpoint", moto.url)
    desk.run("backup", desk.s3, there.s3, *to)
    desk.delete("goes")
    desk.run("backup", desk.s3, there.s3, *to)
    desk.run("restore", there.s3, str(tmp_path / "back"), *to)

    last = {
        name: statistics(moto, desk.bucket, name, "Dev")
        for name in (
            "ObjectsToTagAsDeleted",
            "ObjectsToCheckForDeletedTag",
            "ObjectsToBackup",
            "ObjectsToRestore",
            f"ObjectsIn{there.bucket}",
            "BackupObjectsErrors",
            "RestoreObjectsErrors",
        )
    }
    assert all(last.values()), [name for name, told in last.items() if not told]


@pytest.mark.usefixtures("surroundings")
def test_the_configuration_says_where_they_go(
    tmp_path: Path, moto: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    desk, config = Desk(tmp_path, moto, capsys), tmp_path / "config.yaml"
    desk.object("k", b"x")
    (tmp_path / "numbers").mkdir()
    config.write_text(
        f"metrics: {{textfile: {tmp_path}/numbers/, namespace: {desk.bucket},\n"
        f"  endpoint: {moto.url}, dimension: All, interval: 1s}}\n"
        f"jobs:\n  ours: {{source: '{desk.s3}', target: '{tmp_path}/one',\n"
        "    metrics: {dimension: Ours}}\n"
    )
    words = ("--config", str(config))

    desk.run("sync", "--name", "ours", *words)
    desk.run("sync", desk.s3, str(tmp_path / "two"), *words)
    desk.run("sync", desk.s3, str(tmp_path / "two"), *words, "--cloudwatch-dimension", "Flag")

    files = sorted(path.name for path in (tmp_path / "numbers").iterdir())
    assert files[1] == "sync-ours.prom"
    assert re.fullmatch(r"sync-[0-9a-f]{8}[.]prom", files[0])
    assert len(files) == 2
    for dimension in ("All", "Ours", "Flag"):
        assert statistics(moto, desk.bucket, "ObjectsToBackup", dimension)["SampleCount"] >= 1
    assert main(["config", "check", *words]) == 0
    config.write_text("metrics: {namespace: 'a b', interval: soon, colour: red}\n")
    assert main(["config", "check", *words]) == 2


def test_the_alarms_of_the_documents_ask_for_what_is_written() -> None:
    page = (Path(__file__).resolve().parent.parent / "docs" / "metrics.md").read_text()
    block = re.findall(r"^```yaml\n(groups:.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    rules = YAML(typ="safe").load(block)["groups"][0]["rules"]
    written = {line.split("{")[0] for line in textfile.lines(SAMPLE, 1.0, 1.0)}

    asked = {name for rule in rules for name in re.findall(r"bucketline_\w+", rule["expr"])}

    assert asked
    assert asked <= written
    assert {*re.findall(r"`(bucketline_\w+)", page)} <= written
