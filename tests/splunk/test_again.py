"""What runs that come again and again must not do: restart for nothing, stand still, forget."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bucketline.cli import main
from desk import begin
from disks import needs_root, tmpfs
from splunk.site import ORIGIN, Site

NAMES = [
    f"db_{1_651_670_906 + number}_{1_651_669_557 + number}_{number}_{ORIGIN}" for number in range(5)
]


def test_one_that_no_start_finds_does_not_restart_splunk_each_time(one: Site) -> None:
    one.splunk.faults["not found"] = [NAMES[1]]

    for _ in range(4):
        told = one.told(code=1)

    assert one.splunk.seen["restart"] == 2
    assert "has not found it at its start" in told[0]["message"]
    assert NAMES[1] in told[0]["message"]
    one.splunk.faults.clear()
    assert one.run("--retry-quarantined")["done"] == 1
    assert one.splunk.seen["restart"] == 3


def test_a_new_bucket_beside_it_restarts_splunk_all_the_same(one: Site) -> None:
    one.splunk.faults["not found"] = [NAMES[1]]
    for _ in range(3):
        one.run(code=1)
    one.archive("web", 2)

    told = one.run(code=1)

    assert (told["done"], told["failed"], told["restarts"]) == (1, 1, 1)


def test_a_limit_passes_those_that_a_person_must_look_at(site: Site) -> None:
    site.splunk.add_index("web")
    site.archive("web", 1, body=b"PK damaged")
    site.archive("web", 2)
    site.archive("web", 3)

    told = [site.run("--limit", "1", code=1) for _ in range(3)]

    assert [(one["done"], one["failed"]) for one in told] == [(0, 1), (1, 1), (1, 1)]


def test_a_limit_of_an_export_passes_those_that_are_there(site: Site, tmp_path: Path) -> None:
    for number in (1, 2):
        site.archive("web", number)
    words = ["export", site.words()[2], "-o", str(tmp_path / "out"), "--limit", "1"]

    told = [site.desk.run("splunk", *words)[-1] for _ in range(2)]

    assert [(one["done"], one["skipped"]) for one in told] == [(1, 0), (1, 1)]


def test_what_a_killed_export_left_is_gone_with_the_next_one(site: Site, tmp_path: Path) -> None:
    name = site.archive("web", 1)
    left = tmp_path / "out/web" / f".{name}.fetched"
    left.mkdir(parents=True)
    (left / "events.jsonl").write_text("half")

    site.desk.run("splunk", "export", site.words()[2], "-o", str(tmp_path / "out"))

    assert [path.name for path in (tmp_path / "out/web").iterdir()] == [f"{name}.jsonl"]


def test_a_place_without_its_last_slash_is_the_same_job(one: Site) -> None:
    assert one.run("--no-evict")["done"] == 1
    words = one.words()
    words[2:4] = [word.rstrip("/") for word in words[2:4]]

    assert main(words) == 0
    assert one.splunk.evicted == [f"web~1~{ORIGIN}"], "it is known as ours"
    assert len([*one.desk.state.glob("splunk-*")]) == 1


@needs_root
@pytest.mark.slow
def test_a_disk_that_is_smaller_than_the_budget_is_used_wave_by_wave(site: Site) -> None:
    home = site.splunk.home / "indexes/web"
    home.mkdir(parents=True)
    with tmpfs(home, 1):
        site.splunk.add_index("web")
        for number in range(5):
            site.archive("web", number, events=4000, codec="none")

        told = site.run()

    assert (told["done"], told["failed"]) == (5, 0)
    assert told["waves"] > 1


def test_a_second_signal_waits_for_nothing_that_splunk_does(one: Site) -> None:
    one.splunk.faults[f"web~1~{ORIGIN}"] = "stuck"
    words = [*one.words(), "--upload-timeout", "600"]
    process = begin(dict(os.environ), "-m", "bucketline", *words)
    while not any(deed.endswith("/close") for deed in one.splunk.deeds):
        assert process.poll() is None
    for number in (signal.SIGINT, signal.SIGTERM):  # Two of one kind may be heard as one.
        process.send_signal(number)
    out, errors = process.communicate(timeout=60)

    assert process.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM), errors
    assert "waiting  web/" in out
    assert "waiting 1" in errors
    del one.splunk.faults[f"web~1~{ORIGIN}"]
    assert one.run("--upload-timeout", "20")["done"] == 1
