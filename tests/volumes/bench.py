"""A person with an empty disk, who makes a volume of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import loops
from bucketline.engines.volumes.plans import Plans
from bucketline.engines.volumes.prepare import prepare
from disks import run

FSTAB = b"# mine \xff\n/dev/one\t/one   ext4 defaults 0 1\r\n\n/dev/two /two ext4 ro"  # No end.


class Bench:
    """Where they work; nothing outside is touched."""

    def __init__(self, here: Path, device: str) -> None:
        self.here = here
        self.device = device
        self.base = here / "base folder"
        self.fstab = here / "fstab"
        self.state = here / "state"
        self.around = {"PATH": os.environ["PATH"], "HOME": str(here)}
        self.fstab.write_bytes(FSTAB)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return loops.volumes(*words, "--state", str(self.state), around=self.around)

    def plan(self, *more: str, device: str = "") -> str:
        """Its hash."""
        device = device or self.device
        places = ("--base", str(self.base), "--fstab", str(self.fstab))
        done = self.call("plan", device, "--allow-loop", device, "--json", *places, *more)
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout.splitlines()[-1])["plan"])

    def prepare(self, plan: str, code: int = 0) -> list[dict[str, Any]]:
        """What is told of it."""
        done = self.call("prepare", "--plan", plan, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, plan: str, *, code: int = 7) -> str:
        """Why it is not carried out."""
        done = self.call("prepare", "--plan", plan)
        assert (done.returncode, done.stdout) == (code, ""), done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def until(self, plan: str, step: str, state: str) -> None:
        """Carry it out up to there, and no further: as if the power had failed."""
        plans = Plans(self.state)
        made = plans.load(plan)
        with plans.journal(made) as journal:
            for told in prepare(made, journal):
                if told[2:] == (step, state):
                    return
        raise AssertionError(f"there was no {step}, {state}")

    @property
    def part(self) -> str:
        return f"{self.device}p1"

    @property
    def folder(self) -> Path:
        (one,) = self.base.iterdir()
        return one

    def umount(self) -> None:
        run("umount", str(self.folder))

    def is_whole(self) -> bool:
        """Whether it is a volume in all respects."""
        told = self.folder.stat()
        lines = self.fstab.read_bytes().splitlines()
        return (
            self.folder.is_mount()
            and told.st_mode & 0o777 == 0o750
            and (self.folder / ".bucketline-volume.json").exists()
            and sum(line.startswith(b"UUID=") for line in lines) == 1
            and self.fstab.read_bytes().startswith(FSTAB)
        )


def as_of_another_boot(bench: Bench, name: str) -> str:
    """The same plan with its journal, made before this machine was started."""
    plans = Plans(bench.state)
    plan = replace(plans.load(name), boot="another")
    plans.save(plan)
    if (journal := bench.state / "volumes" / f"{name}.journal").exists():
        shutil.copy(journal, journal.with_name(f"{plan.hash}.journal"))
    return plan.hash


def detached(bench: Bench) -> None:
    """The machine is off: nothing is mounted, and the disk is away."""
    subprocess.run(["umount", "-l", bench.part], capture_output=True, check=False)
    run("partx", "--delete", bench.device)
    run("losetup", "--detach", bench.device)


def steps(*names: str) -> list[tuple[str, str]]:
    return [(name, state) for name in names for state in ("intent", "done")]


ALL = steps("partition", "format", "folder", "mount", "volume", "fstab")
