"""An old bucket_structure.json says which buckets, and what was begun; facts win."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bucketline.cli import main
from splunk import program
from splunk.journals import journal
from splunk.site import ORIGIN, Site

BID = f"web~1~{ORIGIN}"


def old_file(site: Site, **statuses: str) -> Path:
    """Names begin with an underscore here."""
    path = site.desk.here / "bucket_structure.json"
    rows = [{"bucket": name.removeprefix("x"), "status": said} for name, said in statuses.items()]
    path.write_text(json.dumps({"web": rows}))
    return path


def left_by_an_old_script(site: Site, name: str, number: int) -> Path:
    """Rebuilt in its place."""
    folder = site.splunk.home / "indexes/web/db" / name
    (folder / "rawdata").mkdir(parents=True)
    (folder / "rawdata/journal.zst").write_bytes(journal(50, "zstd", seed=number))
    assert program.rebuild(folder, "") == 0
    return folder


@pytest.fixture
def begun(site: Site) -> Site:
    """Of two buckets, an old script has rebuilt the first one."""
    site.splunk.add_index("web")
    left_by_an_old_script(site, site.archive("web", 1), 1)
    site.archive("web", 2)
    return site


def name(number: int) -> str:
    return f"db_{1_651_670_906 + number}_{1_651_669_557 + number}_{number}_{ORIGIN}"


def test_what_was_begun_goes_on(begun: Site) -> None:
    path = old_file(begun, **{name(1): "pendingupload"})

    told = begun.run("--from-structure", str(path))

    assert (told["listed"], told["done"], told["events"]) == (1, 1, 50)
    assert begun.splunk.evicted == [BID]
    calls = (begun.splunk.home / "called.jsonl").exists()
    assert not calls, "it is not rebuilt again"
    assert begun.run()["skipped"] == 1


def test_without_the_old_file_it_is_nobodys_of_ours(begun: Site) -> None:
    told = begun.told("--limit", "9", code=1)

    ends = {one["bucket"]: one for one in told if one["event"] == "bucket"}
    assert "none that we put there" in ends[name(1)]["message"]


def test_what_it_calls_done_and_is_not_is_done_now(begun: Site) -> None:
    path = old_file(begun, **{name(2): "done"})

    assert begun.run("--from-structure", str(path))["done"] == 1
    assert begun.splunk.evicted == [f"web~2~{ORIGIN}"]


@pytest.mark.parametrize(
    ("file", "body", "said"),
    [
        ("rawdata/journal.zst", journal(50, "zstd", seed=9), "not shown to be what the archive"),
        ("Hosts.data", None, "half built"),
    ],
)
def test_what_is_not_the_archives_is_not_taken_over(
    begun: Site, file: str, body: bytes | None, said: str
) -> None:
    there = begun.splunk.home / "indexes/web/db" / name(1) / file
    there.unlink() if body is None else there.write_bytes(body)
    path = old_file(begun, **{name(1): "pendingevict"})

    told = begun.told("--from-structure", str(path), code=1)

    assert said in told[0]["message"]
    assert begun.uploaded() == []


@pytest.mark.parametrize("body", [None, b"other marks"])
def test_one_without_the_marks_of_deleted_events_is_not_taken_over(
    begun: Site, body: bytes | None
) -> None:
    """What was deleted would be found again."""
    marks = "rawdata/deletes/gone.csv"
    begun.put(f"ddss/web/{name(1)}/{marks}", b"deleted")
    there = begun.splunk.home / "indexes/web/db" / name(1) / marks
    if body is not None:
        there.parent.mkdir()
        there.write_bytes(body)
    path = old_file(begun, **{name(1): "pendingupload"})

    told = begun.told("--from-structure", str(path), code=1)

    assert marks in told[0]["message"]
    assert begun.uploaded() == []


def test_a_plan_tells_where_the_old_file_is_wrong(
    begun: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    path = old_file(begun, **{name(1): "done", name(2): "todo", "db_2_1_99": "todo"})
    words = ["splunk", "plan", begun.words()[2], "--endpoint-url", begun.desk.url]

    code = main(
        [*words, "--local", str(begun.splunk.home / "indexes"), "--from-structure", str(path)]
    )

    said = capsys.readouterr()
    assert code == 0
    assert "web: 2 buckets" in said.out
    assert f"web/{name(1)}: the old file says done; it is pendingupload" in said.err
    assert "web/db_2_1_99: the old file says todo; the archive does not hold it" in said.err
    assert name(2) not in said.err


def test_an_old_file_that_is_none_is_refused(begun: Site) -> None:
    path = begun.desk.here / "no.json"
    path.write_text("{}")

    assert main([*begun.words(), "--from-structure", str(path)]) == 2


def test_one_that_was_uploaded_by_the_old_script_is_evicted(begun: Site) -> None:
    path = old_file(begun, **{name(1): "pendingupload"})
    begun.run("--from-structure", str(path))
    shutil.rmtree(begun.desk.here / "state")
    home = begun.splunk.home / "indexes/web/db" / name(1)
    shutil.rmtree(home)
    left_by_an_old_script(begun, name(1), 1)
    begun.splunk.known[BID].status = "local"
    path = old_file(begun, **{name(1): "pendingevict"})

    told = begun.run("--from-structure", str(path))

    assert (told["done"], told["restarts"]) == (1, 0)
    assert begun.splunk.uploads[BID] == 1
    assert begun.splunk.evicted == [BID, BID]
