"""Unsuitable devices, made for real: each is refused with its reason, and nothing is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

import loops
from disks import run

pytestmark = loops.needs_loops
MIB = 80


@contextmanager
def mounted(device: str, folder: Path) -> Iterator[None]:
    run("mkfs.ext4", "-q", device)
    run("mount", device, str(folder))
    try:
        yield
    finally:
        run("umount", str(folder))


@contextmanager
def swapped(device: str) -> Iterator[None]:
    run("mkswap", device)
    run("swapon", device)
    try:
        yield
    finally:
        run("swapoff", device)


@contextmanager
def held(device: str, folder: Path) -> Iterator[None]:
    """Somebody has the device for himself, and nothing is written on it."""
    del folder
    file = os.open(device, os.O_RDWR | os.O_EXCL)
    try:
        yield
    finally:
        os.close(file)


def write_at(device: str, offset: int) -> None:
    file = os.open(device, os.O_WRONLY)
    try:
        os.pwrite(file, b"x", offset)
        os.fsync(file)
    finally:
        os.close(file)


def reasons(device: str, around: dict[str, str]) -> dict[str, str]:
    """What `volumes list` says of it, admitted as a loop device."""
    done = loops.volumes("list", device, "--allow-loop", device, "--json", around=around)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert told["suitable"] == (not told["reasons"])
    return {one["reason"]: one["detail"] for one in told["reasons"]}


@pytest.fixture
def around(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return tmp_path / "image"


@pytest.fixture
def device(image: Path) -> Iterator[str]:
    with loops.loop(image, MIB) as path:
        yield path


def test_an_empty_one_is_suitable_and_stays_empty(
    device: str, image: Path, around: dict[str, str]
) -> None:
    assert reasons(device, around) == {}
    assert image.read_bytes().count(0) == MIB << 20


def test_a_loop_device_that_is_not_admitted(device: str, around: dict[str, str]) -> None:
    done = loops.volumes("list", device, around=around)

    assert "is a loop device; --allow-loop" in done.stdout


@pytest.mark.parametrize("kind", ["ext4", "ext2", "swap"])
def test_a_signature(kind: str, device: str, image: Path, around: dict[str, str]) -> None:
    run(*(("mkswap",) if kind == "swap" else (f"mkfs.{kind}", "-q")), device)
    before = sha256(image.read_bytes()).digest()

    assert list(reasons(device, around)) == ["signature"]
    assert sha256(image.read_bytes()).digest() == before


def test_xfs(tmp_path: Path, around: dict[str, str]) -> None:
    with loops.loop(tmp_path / "large", 320) as device:
        run("mkfs.xfs", "-q", device)

        assert reasons(device, around) == {"signature": "holds xfs"}


@pytest.mark.parametrize("table", ["gpt", "dos"])
def test_a_partition_table(table: str, device: str, around: dict[str, str]) -> None:
    run("parted", "--script", device, "mklabel", "gpt" if table == "gpt" else "msdos")

    assert "partitioned" in reasons(device, around)


def test_a_partition(device: str, around: dict[str, str]) -> None:
    run("sgdisk", "--new=1:0:0", device)
    run("partx", "--update", device)

    assert f"({Path(device).name}p1)" in reasons(device, around)["partitioned"]
    done = loops.volumes("list", f"{device}p1", "--json", around=around)
    assert "name a whole disk" in done.stdout


def test_half_a_partition_table_is_one(device: str, image: Path, around: dict[str, str]) -> None:
    """The second table, at the end, is what a disk keeps whose beginning was wiped."""
    run("sgdisk", "--new=1:0:0", device)
    file = os.open(device, os.O_WRONLY)
    os.pwrite(file, bytes(4 << 20), 0)
    os.fsync(file)
    os.close(file)

    assert reasons(device, around)
    assert image.stat().st_size == MIB << 20


def test_mounted(device: str, tmp_path: Path, around: dict[str, str]) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    with mounted(device, folder):
        told = reasons(device, around)

    assert str(folder) in told["mounted"]
    assert told["trouble"] == "something in the system holds it"


def test_swapped_to(device: str, around: dict[str, str]) -> None:
    with swapped(device):
        assert "swap" in reasons(device, around)


def test_held(device: str, tmp_path: Path, around: dict[str, str]) -> None:
    with held(device, tmp_path):
        assert reasons(device, around) == {"trouble": "something in the system holds it"}


def test_read_only(image: Path, around: dict[str, str]) -> None:
    with loops.loop(image, MIB, "--read-only") as device:
        assert reasons(device, around) == {"read-only": "is read-only"}


def test_too_small(image: Path, around: dict[str, str]) -> None:
    with loops.loop(image, 8) as device:
        assert list(reasons(device, around)) == ["size"]


def test_no_size(device: str, image: Path, around: dict[str, str]) -> None:
    image.write_bytes(b"")
    run("losetup", "--set-capacity", device)

    assert list(reasons(device, around)) == ["size"]


@pytest.mark.parametrize("offset", [0, 1 << 20, (4 << 20) - 1, (MIB << 20) - 1])
def test_a_single_byte(offset: int, device: str, around: dict[str, str]) -> None:
    write_at(device, offset)

    assert list(reasons(device, around)) == ["data"]


def test_a_physical_volume_of_lvm(device: str, around: dict[str, str]) -> None:
    config = f'devices{{filter=["a|{device}|","r|.*|"] use_devicesfile=0}}'
    made = subprocess.run(
        ["pvcreate", "-q", "--config", config, device], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("pvcreate does not work here")

    assert "LVM" in reasons(device, around)["signature"]


def test_a_disk_that_fails_to_read(image: Path, around: dict[str, str]) -> None:
    """The file behind it became shorter: what lies there gives I/O errors."""
    with loops.loop(image, MIB) as device:
        os.truncate(image, 8 << 20)

        assert "trouble" in reasons(device, around) or "data" in reasons(device, around)


def test_the_disk_of_the_running_system(around: dict[str, str]) -> None:
    number = Path("/").stat().st_dev
    link = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    if not link.exists():
        pytest.skip("the root of this machine is on no device of its own")
    done = loops.volumes("list", f"/dev/{link.resolve().name}", "--json", around=around)

    assert "holds the running system" in done.stdout


def test_all_at_once(tmp_path: Path, around: dict[str, str]) -> None:
    """Without names, all devices are listed, attached loop devices among them."""
    with ExitStack() as stack:
        both = [stack.enter_context(loops.loop(tmp_path / f"{n}", MIB)) for n in range(2)]
        told = [
            json.loads(s)
            for s in loops.volumes("list", "--json", around=around).stdout.splitlines()
        ]

    assert set(both) <= {one["device"] for one in told}


def test_without_root_nothing_is_called_empty(device: str, around: dict[str, str]) -> None:
    """All is imported before, as only root may read this tree."""
    script = (
        "import os, sys\n"
        "from bucketline.cli.app import main\n"
        "import bucketline.cli.volumes.listing\n"
        "os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = ["volumes", "list", device, "--allow-loop", device]
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        env=around,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "only root may" in done.stdout


def test_no_such_device(around: dict[str, str]) -> None:
    done = loops.volumes("list", "sdnone", around=around)

    assert (done.returncode, done.stdout) == (2, "")
    assert "is no block device of this machine" in done.stderr
