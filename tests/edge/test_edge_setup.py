"""One command from a locked device to a sync from it, wherever it is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bucketline.clock import SystemClock
from bucketline.flow.drive import blocking
from bucketline.stores.s3 import S3Store
from edge.standing_in import OPTIONS, Bench
from servers import Endpoint

STEPS = (
    "configure",
    "describe-device",
    "unlock-device",
    "list-access-keys",
    "get-secret-access-key",
    "list-certificates",
    "get-certificate",
    "list-services",
    "describe-service",
)


@pytest.fixture
def bench(tmp_path: Path, rclone: Endpoint) -> Bench:
    found = Bench(tmp_path, rclone)
    (found.home / "config.yaml").write_text(
        "# mine\nremotes:\n  'other':   # far away\n    endpoints: [http://example.com]\n"
    )
    return found


def setup(bench: Bench, code: int = 0) -> subprocess.CompletedProcess[str]:
    return bench.edge("setup", "--config", str(bench.home / "config.yaml"), code=code)


def test_a_sync_from_it_works_after_one_command(bench: Bench, tmp_path: Path) -> None:
    store = S3Store(bench.server.remote(), "carried", clock=SystemClock())
    blocking(store.create_bucket())
    blocking(store.write("a/b.txt", b"all is well"))
    bench.change(asleep=2)

    ended = setup(bench)
    config = str(bench.home / "config.yaml")
    target = str(tmp_path / "target")
    synced = bench.call("sync", "edge-1:carried/", target, "--config", config)

    assert "edge-1:carried/\n" in ended.stdout
    assert synced.returncode == 0, synced.stderr
    assert (tmp_path / "target" / "a" / "b.txt").read_bytes() == b"all is well"


def test_a_second_time_changes_nothing(bench: Bench) -> None:
    setup(bench)
    before = {name: Path(name).stat().st_mtime_ns for name in bench.all_files()}

    ended = setup(bench)

    assert "nothing left to do" in ended.stdout
    assert before == {name: Path(name).stat().st_mtime_ns for name in bench.all_files()}
    assert bench.commands().count("unlock-device") == 1


@pytest.mark.slow
def test_the_rest_of_the_configuration_stays(bench: Bench) -> None:
    before = (bench.home / "config.yaml").read_text()

    setup(bench)

    text = (bench.home / "config.yaml").read_text()
    assert text.startswith(before)
    assert "  edge-1:\n" in text
    assert "begin_keeps_object: false\n" in text


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_cut_off_at_any_step_it_ends_the_same(bench: Bench, step: str) -> None:
    bench.change(faults={step: "exit"}, unlock_calls=1)
    words = ["edge", "setup", str(bench.folder), *OPTIONS, "--wait", "0"]
    config = ["--config", str(bench.home / "config.yaml")]
    cut = bench.call(*words, *config)
    bench.change(faults={})

    setup(bench)

    assert cut.returncode in (4, 5), cut.stderr
    assert "nothing left to do" in setup(bench).stdout


def test_a_remote_of_somebody_else_is_not_touched(bench: Bench) -> None:
    file = bench.home / "config.yaml"
    file.write_text("remotes:\n  edge-1:\n    endpoints: [http://example.com]\n")
    before = file.read_bytes()

    ended = setup(bench, code=7)

    assert file.read_bytes() == before
    assert "is another one" in ended.stderr


def test_status_tells_room_and_certificate(bench: Bench) -> None:
    locked = json.loads(bench.call("edge", "status", str(bench.folder), "--json").stdout)
    setup(bench)
    told = json.loads(bench.call("edge", "status", str(bench.folder), "--json").stdout)

    assert (locked["state"], locked["has_keys"]) == ("LOCKED", False)
    assert (told["state"], told["has_keys"]) == ("UNLOCKED", True)
    assert told["services"][0]["free"] == 99_608_744_468_480
    assert told["software"]["certificate_expiry"].endswith("2032")


def test_a_device_that_does_not_answer_has_exit_code_5(bench: Bench) -> None:
    bench.change(asleep=100)

    ended = bench.call("edge", "status", str(bench.folder))

    assert (ended.returncode, "AWAY" in ended.stdout) == (5, True)


@pytest.mark.slow
def test_who_watches_sees_it_fail_and_come_back(bench: Bench) -> None:
    bench.edge("unlock")
    bench.change(faults={"list-services": "exit"})
    words = ["-m", "bucketline", "edge", "status", str(bench.folder), "--json", "--watch"]
    with subprocess.Popen(
        [sys.executable, *words, "--every", "0"],
        env=bench.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout
        assert watching.stderr
        try:
            first = told = json.loads(watching.stdout.readline())
            while told["state"] != "UNLOCKED":
                bench.change(faults={})  # The stand-in may write its state over ours: once more.
                told = json.loads(watching.stdout.readline())
        finally:
            watching.send_signal(signal.SIGINT)
        rest = watching.stderr.read()

    assert (first["state"], "cannot do that" in first["about"]) == ("AWAY", True)
    assert told["state"] == "UNLOCKED"
    assert (watching.returncode, rest) == (130, "")


def test_after_a_reboot_it_is_unlocked_again(bench: Bench) -> None:
    bench.edge("unlock")

    bench.edge("reboot")

    assert (bench.state["reboots"], bench.state["state"]) == (1, "UNLOCKED")


def test_another_appliance_needs_neither_client_nor_lock(bench: Bench) -> None:
    bench.settings(f"provider: s3\nendpoint_url: {bench.server.url}\nregion: us-east-1\n")
    keys = bench.folder / "keys.yaml"
    pair = f"aws_access_key_id: {bench.server.access_key}\n"
    keys.write_text(f"{pair}aws_secret_access_key: {bench.server.secret_key}\n")
    keys.chmod(0o600)
    bench.program.unlink()

    setup(bench)

    assert f"endpoint_url = {bench.server.url}" in (bench.aws / "config").read_text()
    assert bench.commands() == []


def test_an_appliance_without_keys_is_told_where_they_belong(bench: Bench) -> None:
    bench.settings(f"provider: s3\nendpoint_url: '{bench.server.url}'\n")

    ended = setup(bench, code=2)

    assert "write aws_access_key_id: and aws_secret_access_key: there, mode 0600" in ended.stderr
