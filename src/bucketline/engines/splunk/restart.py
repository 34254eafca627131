"""A restart of Splunk: asked for, and believed only once its start is another one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from bucketline.clock import Clock
from bucketline.engines.splunk.rest import Splunk
from bucketline.engines.splunk.tool import Tool, called
from bucketline.errors import DiskError, Refused, StoreError, UsageError
from bucketline.flow.drive import Drive

METHODS = ("rest", "cli", "systemd", "command", "print")
_SYSTEMD = "/usr/bin/systemctl restart Splunkd"
_COMMAND_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Restart:
    """How it is done here."""

    method: str = "rest"
    command: str = ""
    seconds_max: float = 900.0
    poll_seconds: float = 5.0

    def __post_init__(self) -> None:
        if (self.method == "command") != bool(self.command):
            raise UsageError("--restart command goes with --restart-command, and only with it")
        try:
            shlex.split(self.command)
        except ValueError as error:
            raise UsageError(f"--restart-command {self.command!r}: {error}") from None

    def perform(self, splunk: Splunk, tool: Tool, drive: Drive, clock: Clock) -> None:
        """Once; returns when Splunk is back and its indexes are ready. Raises `Refused`."""
        if self.method == "print":
            raise Refused("restart Splunk now, and run this again: it goes on from there")
        before = drive.call(splunk.started())
        self._ask(splunk, tool, drive)
        deadline = clock.monotonic() + self.seconds_max
        while not _is_back(splunk, drive, before):
            if clock.monotonic() >= deadline:
                raise DiskError(
                    f"Splunk did not come back in {self.seconds_max:,.0f} s; look at it"
                )
            clock.sleep(self.poll_seconds)

    def _ask(self, splunk: Splunk, tool: Tool, drive: Drive) -> None:
        if self.method == "rest":
            drive.call(splunk.restart())
        elif self.method == "cli":
            tool.restart()
        else:
            words = shlex.split(self.command or _SYSTEMD)
            code, said = called(words, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, _COMMAND_SECONDS)
            if code != 0:
                raise DiskError(f"{words[0]} ends with {code}: {said}")


def _is_back(splunk: Splunk, drive: Drive, before: str) -> bool:
    try:
        if drive.call(splunk.started()) == before:
            return False
        indexes = drive.call(splunk.indexes(attempts=1))
        return all(one.is_ready or one.is_disabled for one in indexes.values())
    except StoreError:
        return False  # It is down, or not yet up.
