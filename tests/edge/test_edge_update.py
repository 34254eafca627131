"""New software, through two reboots and the locks after them, wherever it is cut off."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.standing_in import JOB, OPTIONS, Bench
from edge.updates import OWNER, UPDATE, Updates, updates
from servers import Endpoint

STEPS = (
    "describe-device-software",
    "check-for-updates",
    "download-updates",
    "install-updates",
    "reboot-device",
    "unlock-device",
)


@pytest.fixture
def api() -> Iterator[tuple[str, type[Updates]]]:
    with updates() as found:
        yield found


@pytest.fixture
def bench(tmp_path: Path, rclone: Endpoint) -> Bench:
    return Bench(tmp_path, rclone)


def words_of(bench: Bench, url: str) -> list[str]:
    said = ["--job-id", JOB, "--aws-endpoint-url", url]
    return ["edge", "update", str(bench.folder), *OPTIONS, *said]


def test_it_is_brought_installed_and_two_reboots_follow(
    bench: Bench, api: tuple[str, type[Updates]]
) -> None:
    url, told = api

    ended = bench.call(*words_of(bench, url), variables=OWNER)

    assert ended.returncode == 0, ended.stderr
    assert bench.state["software"]["installed"] == "102"
    assert (bench.state["reboots"], bench.state["state"]) == (2, "UNLOCKED")
    assert told.asked[0].startswith(f"{JOB} AWS4-HMAC-SHA256 Credential=demo-owner/")
    assert "/us-east-1/snowball/aws4_request" in told.asked[0]
    assert "very-secret" not in ended.stdout + ended.stderr
    assert not list(bench.folder.glob("update.*"))
    again = bench.call(*words_of(bench, url), variables=OWNER)
    assert "nothing left to do" in again.stdout
    assert bench.state["reboots"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_cut_off_at_any_step_it_goes_on(
    bench: Bench, api: tuple[str, type[Updates]], step: str
) -> None:
    bench.change(faults={step: "exit"})
    cut = bench.call(*words_of(bench, api[0]), variables=OWNER)
    bench.change(faults={})

    ended = bench.call(*words_of(bench, api[0]), variables=OWNER)

    assert cut.returncode == 5, cut.stderr
    assert ended.returncode == 0, ended.stderr
    assert bench.state["software"]["installed"] == "102"
    assert bench.state["reboots"] >= 2


@pytest.mark.slow
def test_however_often_it_is_cut_short_it_gets_there(
    bench: Bench, api: tuple[str, type[Updates]]
) -> None:
    words = [*words_of(bench, api[0]), "--wait", "0"]

    codes = [bench.call(*words, variables=OWNER).returncode for _ in range(12)]

    assert set(codes) == {0, 4}
    assert codes[-1] == 0
    assert (bench.state["software"]["installed"], bench.state["reboots"]) == ("102", 2)


def test_a_damaged_download_goes_no_further(bench: Bench, api: tuple[str, type[Updates]]) -> None:
    api[1].body = b"Update 102\n"

    ended = bench.call(*words_of(bench, api[0]), variables=OWNER)

    assert (ended.returncode, "is not what was sent" in ended.stderr) == (3, True)
    assert "download-updates" not in bench.commands()
    assert not (bench.folder / "update.bin").exists()


def test_what_is_here_already_is_not_asked_for_again(
    bench: Bench, api: tuple[str, type[Updates]]
) -> None:
    tag = hashlib.md5(UPDATE).hexdigest()
    (bench.folder / "update.bin").write_bytes(UPDATE[:4])
    (bench.folder / "update.tag").write_text(f"{tag} {len(UPDATE)}")

    ended = bench.call(*words_of(bench, api[0]), variables=OWNER)

    assert ended.returncode == 0, ended.stderr
    assert [span.split("-")[0] for span in api[1].spans] == ["bytes=0", "bytes=4"]


def brought(bench: Bench, body: bytes, name: str = "brought.bin") -> list[str]:
    """The words for an update that is here."""
    path = bench.here / name
    path.write_bytes(body)
    return ["edge", "update", str(bench.folder), *OPTIONS, "--file", str(path)]


def test_what_is_here_of_another_update_gives_way(
    bench: Bench, api: tuple[str, type[Updates]]
) -> None:
    (bench.folder / "update.bin").write_bytes(b"oldest")
    (bench.folder / "update.tag").write_text("another 100")

    ended = bench.call(*words_of(bench, api[0]), variables=OWNER)

    assert ended.returncode == 0, ended.stderr
    assert api[1].spans[1].startswith("bytes=0-")


def test_what_was_brought_here_is_installed_without_aws(bench: Bench) -> None:
    ended = bench.call(*brought(bench, UPDATE))

    assert ended.returncode == 0, ended.stderr
    assert (bench.state["software"]["installed"], bench.state["reboots"]) == ("102", 2)
    assert not list(bench.folder.glob("update.*"))


def test_one_that_the_device_does_not_take_makes_room_for_another(bench: Bench) -> None:
    refused = bench.call(*brought(bench, b"a letter"))
    taken = bench.call(*brought(bench, UPDATE))

    assert (refused.returncode, refused.stderr.count("bucketline: error:")) == (5, 1)
    assert "The update is not valid. (exit code 1); if the file is at fault" in refused.stderr
    assert (taken.returncode, bench.state["software"]["installed"]) == (0, "102"), taken.stderr


def test_one_that_is_not_here_is_told(bench: Bench) -> None:
    words = brought(bench, UPDATE)
    Path(words[-1]).unlink()

    ended = bench.call(*words)

    assert (ended.returncode, "brought.bin: cannot be taken" in ended.stderr) == (2, True)
    assert "download-updates" not in bench.commands()


def test_what_was_taken_before_goes_on_without_the_stick_that_brought_it(bench: Bench) -> None:
    bench.change(faults={"download-updates": "exit"})
    words = brought(bench, UPDATE)
    bench.call(*words)
    Path(words[-1]).unlink()
    bench.change(faults={})

    ended = bench.call(*words)

    assert (ended.returncode, bench.state["software"]["installed"]) == (0, "102"), ended.stderr


def test_an_update_without_effect_is_told_and_not_done_for_ever(
    bench: Bench, api: tuple[str, type[Updates]]
) -> None:
    bench.change(reboots_needed=1, latest="999")
    bench.change(software={**bench.state["software"], "installed": "102"})

    ended = bench.call(*words_of(bench, api[0]), variables=OWNER)

    assert (ended.returncode, "still runs 102" in ended.stderr) == (5, True)
    assert bench.state["reboots"] == 2


def test_the_devices_own_keys_never_ask_aws(bench: Bench) -> None:
    around = {"AWS_PROFILE": "edge-1"}

    ended = bench.call(*words_of(bench, "http://127.0.0.1:1"), variables=around)

    assert (ended.returncode, "the device's own" in ended.stderr) == (2, True)


def test_a_service_that_must_be_stopped_first_is_named(bench: Bench) -> None:
    service = bench.state["services"]["s3"]
    bench.change(services={"s3-snow": service})

    ended = bench.call(*words_of(bench, "http://127.0.0.1:1"), variables=OWNER)

    assert (ended.returncode, "stop-service" in ended.stderr) == (7, True)
