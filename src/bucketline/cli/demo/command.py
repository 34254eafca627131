"""The story of the demo: seed, sync, kill, resume, damage, find, repair."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import click

from bucketline.cli.demo import objects
from bucketline.cli.demo.children import DemoFailed, Ended, find_rclone, kill_when, run, server
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.clock import SystemClock
from bucketline.sizes import show_size

_ACCESS, _SECRET = "demo-access", "demo-secret-not-real"  # Of two servers that live for seconds.
_KILLED = -9
_KILL_AFTER = objects.COUNT * 2 // 5  # Objects; by what the program says, not by the clock.
_BYTES_PER_SECOND = "12M"  # The first run is held back, so that there is a middle to kill it in.


@click.command
@common
@pass_invocation
def demo(invocation: Invocation) -> int:
    """Needs nothing but this machine, and changes nothing on it but the ledger it tells of."""
    clock = SystemClock()
    began = clock.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bucketline-demo-")))
        around = _surroundings(invocation, folder)
        rclone = find_rclone()
        source, target = (stack.enter_context(server(rclone, around)) for _ in range(2))
        kept = invocation.made_state_folder() if invocation.state else _new_folder()
        _Story(invocation, rclone, source, target, kept, around).tell(folder / "objects")
    invocation.printer.result(f"All as it must be, in {clock.monotonic() - began:.1f} s.")
    return 0


def _new_folder() -> Path:
    return Path(mkdtemp(prefix="bucketline-demo-ledger-"))


def _surroundings(invocation: Invocation, folder: Path) -> dict[str, str]:
    """The environment of the children: nothing of the person's own configuration reaches them."""
    return {
        "PATH": invocation.environment.first("PATH"),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": _ACCESS,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_EC2_METADATA_DISABLED": "true",
        "RCLONE_CONFIG": str(folder / "no-rclone.conf"),
        "RCLONE_AUTH_KEY": f'"{_ACCESS},{_SECRET}"',
        "RCLONE_S3_PROVIDER": "Rclone",
        "RCLONE_S3_ACCESS_KEY_ID": _ACCESS,
        "RCLONE_S3_SECRET_ACCESS_KEY": _SECRET,
    }


@dataclass
class _Story:
    """Two servers, and what happens to the objects between them."""

    invocation: Invocation
    rclone: str
    source: str
    target: str
    ledgers: Path
    around: Mapping[str, str]

    def tell(self, folder: Path) -> None:
        """All of it; raises `DemoFailed` at the first thing that is not as it must be."""
        self._seed(folder)
        self._sync_and_kill()
        self._resume()
        self._again()
        self._damage(folder.with_name("damage"))
        self._find()
        self._repair()
        self._say(f"The ledger: {next(self.ledgers.glob('sync-*.ledger'))}")
        self._say(f"            bucketline runs list --state {self.ledgers}")

    def _seed(self, folder: Path) -> None:
        size = objects.lay_out(folder)
        self._must(self._rclone("copy", f"{folder}", ":s3:photos", self.source), 0, "seeding")
        self._must(self._rclone("mkdir", ":s3:copy", "", self.target), 0, "making a bucket")
        self._say(f"Two S3 servers, {self.source} and {self.target}.")
        self._say(f"1. The first holds {objects.COUNT:,} objects, {show_size(size)}.")

    def _sync_and_kill(self) -> None:
        proven = 0

        def seen(line: str) -> bool:
            nonlocal proven
            proven += '"fate":"done"' in line
            return proven >= _KILL_AFTER

        words = self._words("sync", "--json", "--progress", "none", "--bwlimit", _BYTES_PER_SECOND)
        self._must(kill_when(words, self.around, seen), _KILLED, "the sync that is to be killed")
        self._say(
            f"2. bucketline sync s3://photos/ s3://copy/: kill -9 once {proven:,} are proven."
        )

    def _resume(self) -> None:
        told = self._sync("the resumed sync")
        kept = told["skipped"]
        if kept < _KILL_AFTER or kept + told["done"] != objects.COUNT:
            raise DemoFailed(
                f"the resumed sync skipped {kept:,} and moved {told['done']:,} objects"
            )
        self._say(f"3. The same again: {kept:,} skipped as proven, {told['done']:,} moved.")

    def _again(self) -> None:
        told = self._sync("the third sync")
        if told["skipped"] != objects.COUNT:
            raise DemoFailed(f"the third sync still moved {told['done']:,} objects")
        self._say(f"4. Once more: {told['skipped']:,} skipped, nothing to do.")

    def _damage(self, path: Path) -> None:
        path.write_bytes(b"\xff" * 4_096)
        place = f":s3:copy/{objects.DAMAGED}"
        self._must(self._rclone("copyto", str(path), place, self.target), 0, "damaging an object")
        self._say(f"5. Another program writes other bytes, as many, over {objects.DAMAGED}.")

    def _find(self) -> None:
        ended = self._must(self._run("check"), 3, "the check")
        found = [line for line in ended.out.splitlines() if line]
        if len(found) != 1 or not found[0].startswith(f"* {objects.DAMAGED}"):
            raise DemoFailed(f"the check found {found}")
        self._say(f"6. bucketline check finds it (exit code 3):   {found[0]}")

    def _repair(self) -> None:
        told = self._sync("the repairing sync")
        if told["done"] != 1:
            raise DemoFailed(f"the repair moved {told['done']:,} objects")
        self._must(self._run("check"), 0, "the last check")
        self._say("7. bucketline sync repairs that one object; bucketline check: the same.")

    def _sync(self, what: str) -> dict[str, Any]:
        """Run it; the answer is its summary."""
        ended = self._must(self._run("sync", "--json", "--progress", "none"), 0, what)
        summary: dict[str, Any] = json.loads(ended.out.splitlines()[-1])
        if summary["failed"] or summary["waiting"] or summary["listed"] != objects.COUNT:
            raise DemoFailed(f"{what} tells {summary}")
        return summary

    def _run(self, *words: str) -> Ended:
        return run(self._words(*words), self.around)

    def _words(self, verb: str, *options: str) -> list[str]:
        places = ["s3://photos/", "s3://copy/", "--source-endpoint-url", self.source]
        places += ["--target-endpoint-url", self.target, "--state", str(self.ledgers)]
        return [sys.executable, "-m", "bucketline", verb, *places, *options]

    def _rclone(self, verb: str, source: str, target: str, endpoint: str) -> Ended:
        words = [self.rclone, verb, *filter(None, (source, target)), "--s3-endpoint", endpoint]
        return run([*words, "--retries", "1", "--low-level-retries", "2"], self.around)

    def _must(self, ended: Ended, code: int, what: str) -> Ended:
        if ended.code != code:
            raise DemoFailed(f"{what} ended with {ended.code}, not {code}: {ended.err.strip()}")
        return ended

    def _say(self, line: str) -> None:
        self.invocation.printer.result(line)
