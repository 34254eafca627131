"""What programs over the old module do besides: many configs, numbers, keys that came and went."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bucketline.compat.s3backuprestore import Config, put_metric
from bucketline.flow.report.runs import runs
from compat.test_s3backuprestore import Place
from faults import kinds
from faults.proxy import FaultProxy
from servers import Endpoint


def test_a_program_with_two_configs_ends_well(tmp_path: Path, moto: Endpoint) -> None:
    """The second one was refused; what was forked late kept the first one's owner from its end."""
    place = Place(moto, tmp_path)
    for number in range(10):
        for kind in ("rare", "late", "often"):
            place.put(place.source, f"{kind}/{number}", b"%d" % number)

    place.run("two_classes", place.source, place.backup)

    tiers = Counter(tier for _, tier, _ in place.held(place.backup).values())
    assert tiers == {"STANDARD_IA": 20, "STANDARD": 10}
    rows = runs(tmp_path / "state")
    assert {(row.state, row.tally.done) for row in rows} == {("complete", 20), ("complete", 10)}


def test_what_stops_it_is_one_line(tmp_path: Path, moto: Endpoint) -> None:
    """Whoever keeps the ledger ended with a fatal error of Python, and began with a warning."""
    place = Place(moto, tmp_path)
    place.put(place.backup, "k", b"x")
    place.client.delete_bucket(Bucket=place.back)

    said = place.run("from_archive", place.backup, place.back, code=1)

    assert len(said.splitlines()) == 1
    assert f"s3://{place.back}/k: no such bucket here" in said


@pytest.mark.slow
def test_errors_are_told_under_their_old_names(tmp_path: Path, moto: Endpoint) -> None:
    place = Place(moto, tmp_path)
    place.put(place.source, "k", b"x")
    place.put(place.backup, "full", b"x", Tagging="&".join(f"t{n}=1" for n in range(9)))
    with FaultProxy(moto.url) as proxy:
        place.url = proxy.url
        proxy.add(kinds.refuse(403, "AccessDenied"), method="PUT", path=f"/{place.backup}/k")

        place.run("nightly", "backup", place.source, place.backup, "0", code=2)

    told = place.numbers.list_metrics(Namespace=place.source)["Metrics"]
    names = {one["MetricName"] for one in told}
    assert {"BackupObjectsErrors", "TagDeletedObjectsErrors"} <= names
    assert "CompareObjectsErrors" not in names  # Nothing failed there.


@pytest.mark.slow
def test_what_came_back_loses_its_mark_outside_of_the_window(
    tmp_path: Path, moto: Endpoint
) -> None:
    """It was compared by size and time alone, and each restore passed over it from then on."""
    place = Place(moto, tmp_path)
    place.put(place.source, "back", b"x", Tagging="mine=yes")
    place.put(place.source, "tagged", b"x", Tagging="mine=yes")
    place.put(
        place.backup, "back", b"x", Tagging="mine=yes&Deleted=True&DeletedAt=2018-08-28T12:00"
    )
    place.put(place.backup, "tagged", b"y", Tagging="mine=yes")

    place.run("nightly", "backup", place.source, place.backup, "0")

    held = place.held(place.backup)
    assert held["back"][2] == {"mine": "yes"}
    assert held["tagged"][0] == b"y"  # The old rule, as ever.


@pytest.mark.slow
def test_what_is_gone_since_it_was_listed_is_passed_over(tmp_path: Path, moto: Endpoint) -> None:
    place = Place(moto, tmp_path)
    place.put(place.backup, "stays", b"x")
    gone = rf"/{place.backup}/gone\?tagging"
    place.put(place.backup, "gone", b"x")
    with FaultProxy(moto.url) as proxy:
        place.url = proxy.url
        proxy.add(kinds.refuse(404, "NoSuchKey"), path=gone)

        place.run("nightly", "backup", place.source, place.backup, "0")
        place.run("nightly", "restore", place.backup, place.back, "0")

    assert place.held(place.backup)["stays"][2]["Deleted"] == "True"
    assert place.held(place.back) == {}


def test_the_number_0_is_told_at_once_and_then_no_more_often(
    tmp_path: Path, moto: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs tell it in a loop for as long as a last large object takes."""
    place = Place(moto, tmp_path)
    for name, value in place.around.items():
        monkeypatch.setenv(name, value)
    with FaultProxy(moto.url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        config = Config("a", "b", cw_namespace=place.source, region="us-east-1")

        for number in (5, 4, *[0] * 8):
            put_metric("ObjectsToBackup", number, config)

        assert len(proxy.seen("POST")) == 2
