"""An empty disk becomes a volume; one that is no longer as planned is left alone. Real disks."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

import loops
from bucketline.stores.spool import open_volume
from bucketline.stores.spool.sentinel import read_sentinel
from disks import run
from volumes.bench import FSTAB, Bench

pytestmark = loops.needs_loops


def mounted(path: Path) -> str:
    return run("findmnt", "-n", "-o", "FSTYPE,OPTIONS", str(path))


def told_by_blkid(part: str) -> dict[str, str]:
    lines = run("blkid", "-p", "-o", "export", part).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_ext4(bench: Bench) -> None:
    told = bench.prepare(bench.plan())

    done = [one["name"] for one in told if one.get("state") == "done"]
    assert done == ["partition", "format", "folder", "mount", "volume", "fstab"]
    assert bench.is_whole()
    assert {"rw", "nosuid", "nodev", "noexec", "noatime"} <= set(
        mounted(bench.folder).split()[1].split(",")
    )
    assert told[-1]["folder"] == str(bench.folder)
    assert told_by_blkid(bench.part)["UUID"] == told[-1]["uuid"]
    assert told_by_blkid(bench.part)["PART_ENTRY_SCHEME"] == "gpt"


def test_xfs(large_bench: Bench) -> None:
    large_bench.prepare(large_bench.plan("--filesystem", "xfs"))

    assert large_bench.is_whole()
    assert mounted(large_bench.folder).startswith("xfs ")
    assert large_bench.fstab.read_text(errors="ignore").rstrip().endswith(" 0 0")


@pytest.mark.slow
def test_the_table_keeps_every_byte_of_its_other_lines(bench: Bench) -> None:
    bench.fstab.chmod(0o640)
    bench.prepare(bench.plan())

    table = bench.fstab.read_bytes()
    assert table.startswith(FSTAB + b"\n")
    (line,) = table[len(FSTAB) + 1 :].splitlines()
    source, folder, filesystem, options, *passes = line.decode().split(" ")
    assert source.startswith("UUID=")
    assert folder.replace("\\040", " ") == str(bench.folder)
    assert (filesystem, passes) == ("ext4", ["0", "2"])
    assert "nofail" in options.split(",")
    assert bench.fstab.stat().st_mode & 0o777 == 0o640


@pytest.mark.slow
def test_the_table_mounts_it(bench: Bench) -> None:
    bench.prepare(bench.plan())
    name = read_sentinel(bench.folder)
    bench.umount()
    assert read_sentinel(bench.folder) == ""
    run("mount", "--fstab", str(bench.fstab), str(bench.folder))

    assert read_sentinel(bench.folder) == name != ""


@pytest.mark.slow
def test_its_mount_point_alone_takes_nothing(bench: Bench) -> None:
    bench.prepare(bench.plan())
    bench.umount()

    assert bench.folder.stat().st_mode & 0o777 == 0
    assert list(bench.folder.iterdir()) == []


@pytest.mark.slow
def test_its_owner_can_use_it_without_root(bench: Bench) -> None:
    bench.prepare(bench.plan("--owner", "nobody"))
    owner = pwd.getpwnam("nobody")
    sentinel = bench.folder / ".bucketline-volume.json"

    assert (bench.folder.stat().st_uid, bench.folder.stat().st_gid) == (owner[2], owner[3])
    assert sentinel.stat().st_uid == owner.pw_uid
    assert json.loads(sentinel.read_text()) == {"v": 1, "volume": read_sentinel(bench.folder)}


@pytest.mark.slow
def test_the_list_shows_it_as_a_volume(bench: Bench) -> None:
    bench.prepare(bench.plan())
    line = bench.call("list", bench.device).stdout
    told = json.loads(bench.call("list", bench.device, "--json").stdout)

    assert f"a volume, at {bench.folder}" in line
    assert (told["volumes"], told["suitable"]) == ([str(bench.folder)], False)


@pytest.mark.slow
def test_a_relay_takes_it(bench: Bench) -> None:
    bench.prepare(bench.plan())
    volume = open_volume(bench.folder, "job")

    assert volume.is_usable
    volume.close()


def test_again_is_nothing(bench: Bench) -> None:
    plan = bench.plan()
    bench.prepare(plan)
    table, uuid = bench.fstab.read_bytes(), told_by_blkid(bench.part)["UUID"]
    (bench.folder / "precious").write_text("bytes")

    assert [one["event"] for one in bench.prepare(plan)] == ["volume"]
    assert bench.fstab.read_bytes() == table
    assert told_by_blkid(bench.part)["UUID"] == uuid
    assert (bench.folder / "precious").read_text() == "bytes"


@pytest.mark.slow
def test_again_mounts_what_is_not_mounted(bench: Bench) -> None:
    plan = bench.plan()
    bench.prepare(plan)
    (bench.folder / "precious").write_text("bytes")
    bench.umount()
    bench.prepare(plan)

    assert (bench.folder / "precious").read_text() == "bytes"


def test_a_volume_is_never_planned_again(bench: Bench) -> None:
    bench.prepare(bench.plan())
    bench.umount()
    done = bench.call("plan", bench.device, "--allow-loop", bench.device)

    assert done.returncode == 7
    assert "has a partition table" in done.stderr


@pytest.mark.slow
def test_two_plans_for_one_disk(bench: Bench) -> None:
    first, second = bench.plan(), bench.plan()
    bench.prepare(first)

    assert "has a partition table" in bench.refused(second)
    assert bench.is_whole()


def write_a_byte(bench: Bench) -> None:
    file = os.open(bench.device, os.O_WRONLY)
    os.pwrite(file, b"x", 4096)
    os.fsync(file)
    os.close(file)


def another_disk(bench: Bench) -> None:
    image = bench.here / "another"
    with image.open("wb") as file:
        file.truncate(80 << 20)
    run("losetup", "--detach", bench.device)
    run("losetup", bench.device, str(image))


def grown(bench: Bench) -> None:
    os.truncate(bench.here / "image", 90 << 20)
    run("losetup", "--set-capacity", bench.device)


def gone(bench: Bench) -> None:
    run("losetup", "--detach", bench.device)


def formatted(bench: Bench) -> None:
    run("mkfs.ext4", "-q", bench.device)


def read_only(bench: Bench) -> None:
    run("blockdev", "--setro", bench.device)


CHANGES: dict[str, tuple[Callable[[Bench], None], str]] = {
    "a byte": (write_a_byte, "is not empty"),
    "a file system": (formatted, "holds ext4"),
    "another disk of the same size": (another_disk, "is not the disk that was planned"),
    "a larger one": (grown, "its size was"),
    "none": (gone, "is not the disk that was planned"),
    "read-only": (read_only, "is read-only"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_disk_that_is_not_as_planned_is_left_alone(change: str, bench: Bench) -> None:
    plan = bench.plan()
    make, said = CHANGES[change]
    make(bench)
    image = sha256((bench.here / "image").read_bytes()).digest()

    assert said in bench.refused(plan)
    assert sha256((bench.here / "image").read_bytes()).digest() == image
    assert bench.fstab.read_bytes() == FSTAB
    assert not bench.base.exists()


def test_one_bad_disk_of_two_and_neither_is_touched(bench: Bench) -> None:
    with loops.loop(bench.here / "second", 80) as second:
        plan = bench.plan(second, "--allow-loop", second)
        run("mkswap", second)

        assert "swap space" in bench.refused(plan)
        assert (bench.here / "image").read_bytes().count(0) == 80 << 20


@pytest.mark.slow
def test_two_disks(bench: Bench) -> None:
    with loops.loop(bench.here / "second", 80) as second:
        bench.prepare(bench.plan(second, "--allow-loop", second))
        folders = sorted(bench.base.iterdir())

        assert [folder.is_mount() for folder in folders] == [True, True]
        assert len({read_sentinel(folder) for folder in folders}) == 2


def test_a_plan_that_was_touched_is_refused(bench: Bench) -> None:
    plan = bench.plan()
    (file,) = bench.state.glob("volumes/*.json")
    file.write_text(file.read_text().replace("ext4", "xfs"))

    assert "was changed" in bench.refused(plan)


@pytest.mark.parametrize(("name", "code"), [("0" * 16, 2), ("../x", 2), ("", 2)])
def test_no_such_plan(name: str, code: int, bench: Bench) -> None:
    assert "--plan" in bench.refused(name, code=code)


def test_a_folder_in_the_way(bench: Bench) -> None:
    plan = bench.plan()
    (file,) = bench.state.glob("volumes/*.json")
    folder = Path(json.loads(file.read_text())["items"][0]["folder"])
    folder.mkdir(parents=True)
    (folder / "file").touch()

    assert "is not empty; move away" in bench.refused(plan)
    assert (bench.here / "image").read_bytes().count(0) == 80 << 20


def test_a_table_that_has_its_folder_already(bench: Bench) -> None:
    plan = bench.plan()
    (file,) = bench.state.glob("volumes/*.json")
    folder = json.loads(file.read_text())["items"][0]["folder"].replace(" ", "\\040")
    table = f"/dev/other {folder} ext4 defaults 0 0\n".encode()
    bench.fstab.write_bytes(table)

    assert "has another entry for" in bench.refused(plan)
    assert bench.fstab.read_bytes() == table
    assert (bench.here / "image").read_bytes().count(0) == 80 << 20


def test_too_small_for_xfs(bench: Bench) -> None:
    device = bench.device
    done = bench.call("plan", device, "--allow-loop", device, "--filesystem", "xfs")

    assert done.returncode == 7
    assert "too small for xfs" in done.stderr


def test_an_owner_that_nobody_knows(bench: Bench) -> None:
    done = bench.call("plan", bench.device, "--allow-loop", bench.device, "--owner", "no-one-x")

    assert (done.returncode, "no such user" in done.stderr) == (2, True)
