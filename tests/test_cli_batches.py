"""`sync --batch-tar`: small objects reach a device in archives, and are proven before and after."""

from __future__ import annotations

import io
import signal
import tarfile
from pathlib import Path
from random import Random

import pytest

from bucketline.flow.drive import blocking
from desk import VARIABLES, Desk, start
from faults.proxy import Exchange, FaultProxy
from servers import Endpoint

pytestmark = pytest.mark.usefixtures("surroundings")
SMALL = 120


class Device:
    """A folder of small files and a few others, and a bucket that stands for the device."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        dice = Random(3)
        self.small = {f"d{n % 7}/{n:04}.bin": dice.randbytes(1 + n) for n in range(SMALL)}
        self.bodies = self.small | {"ü.txt": b"odd", "none": b"", "large": dice.randbytes(3 << 20)}
        for name, body in self.bodies.items():
            desk.file(name, body)
        self.place = f"{desk.s3}in/"

    def sync(self, *words: str, code: int = 0) -> dict[str, object]:
        said = self.desk.run("sync", str(self.desk.folder), self.place, *words, code=code)
        return said[-1]

    def listed(self) -> list[str]:
        return [one.key for one in blocking(self.desk.store.page("in/")).entries]

    def archives(self) -> list[str]:
        return [key for key in self.listed() if key.endswith(".tar")]

    def extract(self) -> None:
        """By a reader of tars that is not ours."""
        for key in self.archives():
            with tarfile.open(fileobj=io.BytesIO(bytes(self.desk.body(key)))) as tar:
                for member in tar:
                    file = tar.extractfile(member)
                    assert file is not None
                    self.desk.object(f"in/{member.name}", file.read())
            self.desk.delete(key)


@pytest.fixture
def device(desk: Desk) -> Device:
    return Device(desk)


def test_small_objects_go_together_and_stay_proven_when_they_are_extracted(device: Device) -> None:
    desk = device.desk
    told = device.sync("--batch-tar")
    keys = device.listed()

    assert told["done"] == len(device.bodies)
    assert len(device.archives()) in {1, 2}
    assert set(keys) - set(device.archives()) == {"in/ü.txt", "in/none", "in/large"}
    assert device.sync("--batch-tar")["done"] == 0
    desk.run("check", str(desk.folder), device.place, "--batch-tar")  # They are equal.
    for what in (str(told["run"]), device.place):
        for method in ("read", "checksum"):
            verified = desk.run("verify", what, "--method", method)[-1]
            assert verified["verified"] == len(device.bodies)

    device.extract()

    assert set(device.listed()) == {f"in/{name}" for name in device.bodies}
    assert {name: bytes(desk.body(f"in/{name}")) for name in device.bodies} == device.bodies
    assert desk.run("verify", device.place)[-1]["verified"] == len(device.bodies)
    assert device.sync("--no-batch-tar")["done"] == 0


def test_it_comes_back_from_archives(device: Device, tmp_path: Path) -> None:
    device.sync("--batch-tar")

    back = tmp_path / "back"
    told = device.desk.run("sync", device.place, str(back), "--batch-tar")[-1]

    assert told["done"] == len(device.bodies)
    found = {str(one.relative_to(back)): one for one in back.rglob("*") if one.is_file()}
    assert {name: one.read_bytes() for name, one in found.items()} == device.bodies


def test_a_damaged_member_is_found(device: Device) -> None:
    device.sync("--batch-tar")
    store = device.desk.store
    [key] = device.archives()
    body = bytearray(blocking(store.read(key)).body)
    body[body.index(device.small["d3/0010.bin"])] ^= 1
    blocking(store.write(key, bytes(body)))

    ended = device.desk.run("verify", device.place, code=3)[-1]

    assert ended["damaged"] == 1


def test_what_is_in_an_archive_is_not_changed_and_that_is_said(device: Device) -> None:
    device.sync("--batch-tar")
    desk = device.desk
    name = next(iter(device.small))
    desk.file(name, b"another")
    (desk.folder / "large").unlink()
    (desk.folder / next(reversed(device.small))).unlink()

    code, said = desk.ended("sync", str(desk.folder), device.place, "--batch-tar")
    refused = [one for one in said if one.get("fate") == "failed"]

    assert code == 1
    assert [one["key"] for one in refused] == [f"in/{name}"]
    assert "has yet to extract" in str(refused[0])
    assert f"in/{name}" not in set(device.listed())


def test_a_sync_without_archives_does_not_send_them_again(device: Device) -> None:
    device.sync("--batch-tar")

    code, _ = device.desk.ended("sync", str(device.desk.folder), device.place)

    assert code == 2
    assert len(device.listed()) == 4


@pytest.mark.parametrize(
    "words", [["--engine", "spark"], ["--metadata-only"], ["--processes", "2"]]
)
def test_what_it_does_not_go_with_is_said(device: Device, words: list[str]) -> None:
    code, _ = device.desk.ended(
        "sync", str(device.desk.folder), device.place, "--batch-tar", *words
    )

    assert code == 2
    assert device.listed() == []


@pytest.mark.slow
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_killed_at_an_archive_nothing_is_lost_and_nothing_sent_again(
    device: Device, variables: dict[str, str], rclone: Endpoint, nth: int
) -> None:
    desk = device.desk
    with FaultProxy(rclone.url) as proxy:
        words = ["sync", str(desk.folder), device.place, "--batch-tar", "--endpoint-url", proxy.url]
        child = start({**variables, **VARIABLES}, *words)

        def kill(exchange: Exchange) -> None:
            """Once what was sent has arrived, and before that is known."""
            answer = exchange.forward()
            child.kill()
            child.wait()
            exchange.send(answer)

        proxy.add(kill, method="PUT", nth=nth, times=1)
        child.communicate()
        there = set(device.listed())
        proxy.heal()
        proxy.forget()
        again = start({**variables, **VARIABLES}, *words)
        assert (again.communicate(), again.returncode)[1] == 0

        device.extract()
        sent = {seen.key for seen in proxy.seen("PUT")}
    assert child.returncode == -signal.SIGKILL
    assert there
    assert not sent & there
    assert {name: bytes(desk.body(f"in/{name}")) for name in device.bodies} == device.bodies
