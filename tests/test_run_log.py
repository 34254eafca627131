"""A run's log out of the ledger: the old tools' names, true figures, nothing guessed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bucketline.flow.report import log_pages
from bucketline.model import Copy, Delete, Entry, Fate, Outcome, Proof, Skip, Verify
from story import S3, Story, chosen, copy, done

NOT_YET_KNOWN = (
    "initial_synced_objects",
    "initial_unsynced_objects",
    "final_unsynced_objects",
    "completion_percentage",
    "total_bytes_to_move",
    "remaining_bytes",
)


def a_complete_run(folder: Path) -> dict[str, Any]:
    story = Story(folder)
    story.begun(copy("a"), copy("b", 5))
    story.ended([(copy("a"), done()), (copy("b", 5), done(5))], Skip(3, 30))
    story.over("complete")
    return story.log()


def test_the_sides_are_told_in_the_old_words(tmp_path: Path) -> None:
    log = a_complete_run(tmp_path)

    assert {name: value for name, value in log.items() if name[:3] in ("src", "dst")} == {
        "src_service": "AWS",
        "src_bucket": "in",
        "src_prefix": "p/",
        "src_region": "snow",
        "src_endpoint_urls": ["http://a:1"],
        "dst_service": "FOLDER",
        "dst_bucket": None,
        "dst_prefix": "",
        "dst_region": None,
        "dst_endpoint_urls": [],
        "dst_folder": "/copy",
    }


def test_a_complete_run_tells_its_figures(tmp_path: Path) -> None:
    log = a_complete_run(tmp_path)

    words = ("status", "state", "max_workers", "job")
    assert chosen(log, *words) == ["Completed", "complete", 8, "job"]
    times = ("start_time_epoch", "end_time_epoch", "total_duration_seconds")
    assert chosen(log, *times) == [1_700_000_000, 1_700_000_008, 8.0]
    assert chosen(log, "initial_synced_objects", "initial_unsynced_objects") == [3, 2]
    assert chosen(log, "final_synced_objects", "final_unsynced_objects") == [5, 0]
    sizes = ("total_bytes_to_move", "bytes_transferred", "remaining_bytes")
    assert chosen(log, *sizes) == [(1 << 30) + 5, (1 << 30) + 5, 0]
    assert chosen(log, "completion_percentage", "speed_gbps", "failed_objects") == [100.0, 1.0, {}]
    assert log["objects_moved"][0] == {
        "src_key": "p/a",
        "dst_key": "a",
        "bytes": 1 << 30,
        "equivalent_gigabytes": 1.0,
        "epoch_time_start": 1_700_000_000,
        "epoch_time_end": 1_700_000_002,
        "total_time_seconds": 2.0,
        "proof": "etag",
    }


def test_failed_objects_are_named_with_their_sizes_and_the_run_is_not_completed(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    story.begun(copy("a"), copy("b", 5), copy("c", 7))
    story.ended(
        [
            (copy("a"), done()),
            (copy("b", 5), Outcome(Fate.FAILED, cause="Denied")),
            (copy("c", 7), Outcome(Fate.WAITING, cause="NeedsThaw")),
        ],
        Skip(1, 1),
    )
    story.over("failed")

    log = story.log()

    assert log["failed_objects"] == {"b": 5, "c": 7}
    assert chosen(log, "status", "completion_percentage", "remaining_bytes") == ["Failed", 50.0, 12]
    assert chosen(log, "final_synced_objects", "final_unsynced_objects") == [2, 2]
    assert [one["dst_key"] for one in log["objects_moved"]] == ["a"]


def test_of_a_run_under_way_only_what_is_known_is_told(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begun(copy("a"), copy("b"))
    story.ended([(copy("a"), done())], Skip(1, 1))

    log = story.log()

    assert chosen(log, "status", "state") == ["Running", "running"]
    assert chosen(log, *NOT_YET_KNOWN) == [None] * len(NOT_YET_KNOWN)
    assert chosen(log, "final_synced_objects", "end_time_epoch", "failed_objects") == [2, None, {}]
    assert story.log(found=8)["completion_percentage"] == 25.0


@pytest.mark.parametrize("message", ["", "s3://in/: no such bucket"])
def test_a_run_that_was_stopped_does_not_know_what_else_there_was(
    tmp_path: Path, message: str
) -> None:
    story = Story(tmp_path)
    story.begun(copy("a"), copy("b", 5))
    story.ended([(copy("a"), done())])
    story.over("failed" if message else "interrupted", message)

    log = story.log()

    assert chosen(log, "status", "message") == ["Failed", message or None]
    assert chosen(log, *NOT_YET_KNOWN) == [None] * len(NOT_YET_KNOWN)
    assert log["failed_objects"] == {"b": 5}


def test_a_killed_run_failed_and_names_what_is_in_doubt(tmp_path: Path) -> None:
    story = Story(tmp_path)
    story.begun(copy("a"), copy("b", 5))
    story.ended([(copy("a"), done())])
    story.ledger.close()

    log = story.log()

    assert chosen(log, "status", "state", "in_doubt") == ["Failed", "crashed", 1]
    assert chosen(log, "end_time_epoch", "speed_gbps", "failed_objects") == [None, None, {"b": 5}]


def test_deletes_are_no_copies(tmp_path: Path) -> None:
    story = Story(tmp_path, delete=True)
    gone, kept = Delete(Entry("old", 9)), Delete(Entry("older", 9))
    story.begun(copy("a", 5), gone, kept)
    story.ended([(copy("a", 5), done(5)), (gone, Outcome(Fate.DONE)), (kept, Outcome(Fate.FAILED))])
    story.over("failed")

    log = story.log()

    assert [one["dst_key"] for one in log["objects_moved"]] == ["a"]
    assert chosen(log, "final_synced_objects", "deleted_objects", "failed_objects") == [1, 1, {}]
    assert chosen(log, "completion_percentage", "failed") == [100.0, 1]


def test_of_a_verification_what_did_not_prove_true_is_named(tmp_path: Path) -> None:
    story = Story(tmp_path)
    good, bad = Verify(Entry("a", 3)), Verify(Entry("b", 5))
    story.begun(good, bad)
    story.ended([(good, Outcome(Fate.DONE, 3, Proof.READBACK)), (bad, Outcome(Fate.FAILED))])
    story.over("failed")

    log = story.log()

    assert chosen(log, "objects_moved", "failed_objects") == [[], {"b": 5}]


def test_a_log_that_leaves_objects_out_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pages, "PAGE", 2)
    story = Story(tmp_path)
    some = [copy(name, 1) for name in "abcde"]
    story.begun(*some)
    story.ended([(one, done(1)) for one in some])
    story.over("complete")

    short, exact, whole = (story.log(count) for count in (3, 5, None))

    assert [one["dst_key"] for one in short["objects_moved"]] == ["a", "b", "c"]
    assert short["objects_moved_are_all"] is False
    assert short["all_objects"] == "bucketline runs log run-1 --objects all"
    for log in (exact, whole):
        assert [one["dst_key"] for one in log["objects_moved"]] == list("abcde")
        assert (log["objects_moved_are_all"], "all_objects" in log) == (True, False)


@pytest.mark.parametrize("key", ['"', "\\", "\x01", "é\u2028", "a\nb", "\x7f", "😀", "'; --"])
def test_hostile_keys_stay_what_they_are(tmp_path: Path, key: str) -> None:
    story = Story(tmp_path)
    one, other = copy(key, 1), copy(f"z{key}", 2)
    story.begun(one, other)
    story.ended([(one, done(1)), (other, Outcome(Fate.FAILED))])
    story.over("failed")

    log = story.log()

    assert [(moved["src_key"], moved["dst_key"]) for moved in log["objects_moved"]] == [
        (f"p/{key}", key)
    ]
    assert log["failed_objects"] == {f"z{key}": 2}


@pytest.mark.parametrize(
    ("source", "target", "keys"),
    [
        ("", "", {"a/b": "a/b"}),
        ("p", "q/", {"q/x": "p/x", "q/y": "p/y"}),
        ("p/", "q", {"q/x": "p/x"}),
        ("p/one", "q/", {"q/one": "p/one"}),
        ("p/one", "q/other", {"q/other": "p/one"}),
        ("p/one", "", {"one": "p/one"}),
    ],
)
def test_the_source_key_follows_from_the_places(
    tmp_path: Path, source: str, target: str, keys: dict[str, str]
) -> None:
    places = {"source": {**S3, "prefix": source}, "target": {**S3, "prefix": target}}
    story = Story(tmp_path, places=places)
    some = [Copy(Entry(keys[key], 1), key) for key in keys]
    story.begun(*some)
    story.ended([(one, done(1)) for one in some])
    story.over("complete")

    assert {one["dst_key"]: one["src_key"] for one in story.log()["objects_moved"]} == keys


def test_a_ledger_that_does_not_know_its_places_guesses_none(tmp_path: Path) -> None:
    story = Story(tmp_path, places=None)
    story.begun(copy("a"))
    story.ended([(copy("a"), done())])
    story.over("complete")

    log = story.log()

    assert chosen(log, "src_bucket", "dst_endpoint_urls") == [None, None]
    assert [one["src_key"] for one in log["objects_moved"]] == [None]
