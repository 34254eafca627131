"""bucket_structure.json in the shape of the old scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bucketline.engines.splunk.structure import read, status_of, write
from bucketline.errors import UsageError
from splunk.site import Site

NAME = "db_20_10_7_CEB1E2B6-34F2-40EB-A2EF-10C5531556F9"


@pytest.mark.parametrize(
    ("has_receipt", "is_local", "status"),
    [
        (False, False, "todo"),
        (False, True, "pendingupload"),
        (True, True, "pendingevict"),
        (True, False, "done"),
    ],
)
def test_the_status_follows_from_facts(has_receipt: bool, is_local: bool, status: str) -> None:
    assert status_of(has_receipt=has_receipt, is_local=is_local) == status


def test_the_file_is_as_the_old_scripts_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "bucket_structure.json"

    write(path, {"web": [(NAME, "todo"), ("db_9_8_1", "done")]})

    assert json.loads(path.read_text()) == {
        "web": [{"bucket": NAME, "status": "todo"}, {"bucket": "db_9_8_1", "status": "done"}]
    }
    assert path.read_text().startswith('{\n    "web"')
    assert read(path) == {"web": [(NAME, "todo"), ("db_9_8_1", "done")]}
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_states_of_a_run_that_was_cut_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    states = ("inprogress", "uploaded")
    path.write_text(json.dumps({"web": [{"bucket": NAME, "status": s} for s in states]}))

    assert [status for _, status in read(path)["web"]] == ["todo", "pendingupload"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", '{"web": 1}', '{"../x": []}', '{"web": [{"bucket": "db_1_2"}]}'),
        '{"web": [{"bucket": "x", "status": "todo"}]}',
        '{"web": [{"bucket": "db_2_1_0", "status": "lost"}]}',
    ],
)
def test_other_files_are_refused_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=r"^[^\n]*old.json: is no bucket_structure"):
        read(path)


def test_where_it_cannot_be_written_is_told_before_anything_is_done(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1)

    told = site.told("--structure", str(site.desk.here / "away" / "b.json"), code=6)

    assert (told, site.uploaded(), site.splunk.evicted) == ([], [], [])
