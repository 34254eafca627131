"""What is left to do until a device runs new software: two reboots, and a lock after each."""

from __future__ import annotations

import filecmp
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bucketline.durable import replace_file
from bucketline.engines.edge.calm import Deed, Wait
from bucketline.engines.edge.device import Software, State
from bucketline.engines.edge.folder import DeviceFolder
from bucketline.engines.edge.vendor import VendorDevice
from bucketline.errors import ConfigError, Refused, ServerFault

_REBOOTS = 2
_STOPPABLE = "s3-snow"


@dataclass
class Journal:
    """What the device itself cannot tell after a break."""

    before: str = ""  # The software that it had.
    has_file: bool = False
    reboots: int = 0


@dataclass(frozen=True)
class Look:
    """How it stands."""

    state: State
    software: Software | None = None
    latest: str = ""


@dataclass
class Updating:
    """One update of one device, which may begin anew in the middle."""

    device: VendorDevice
    folder: DeviceFolder
    fetch: Callable[[Path], None]
    offered: Path | None = None  # A file to take; it may be gone once it was taken.
    is_going_down: bool = False

    def __post_init__(self) -> None:
        self.journal = self._read()

    @property
    def file(self) -> Path:
        return self.folder.path / "update.bin"

    def look(self) -> Look:
        state, _ = self.device.state()
        if state is not State.UNLOCKED:
            self.is_going_down = False
            return Look(state)
        return Look(state, self.device.software(), self.device.latest())

    def plan(self, seen: Look) -> Deed | Wait | None:
        if seen.state is State.LOCKED:
            return Deed("unlock", self.device.unlock)
        if self.is_going_down or seen.state is not State.UNLOCKED or seen.software is None:
            return Wait("the device is going down, or not unlocked yet")
        state = seen.software.state
        if state in {"downloading", "installing"}:
            return Wait(f"the device is {state}")
        if state == "downloaded":
            return Deed("install", self._install)
        if state in {"requires reboot", "require reboot"} or 0 < self.journal.reboots < _REBOOTS:
            return Deed(f"reboot {self.journal.reboots + 1}", self._reboot)
        return self._plan_new(seen.software, seen.latest)

    def _plan_new(self, software: Software, latest: str) -> Deed | None:
        if software.installed == latest:
            if self._path.exists():
                return Deed("tidy up", self._end)
            return None
        if self.journal.reboots >= _REBOOTS:
            if software.installed == self.journal.before:
                raise ServerFault(
                    f"{self.folder.name}: still runs {software.installed} after its update; "
                    f"remove {self._path} to begin anew"
                )
            return Deed("tidy up", self._end)
        if not self.journal.has_file or self._is_another():
            return Deed("download", lambda: self._fetch(software))
        return Deed("send to the device", self._send)

    def _is_another(self) -> bool:
        """Whether something else is offered than what was taken before."""
        if not self.file.is_file():
            return True
        is_here = self.offered is not None and self.offered.is_file()
        return is_here and not filecmp.cmp(str(self.offered), self.file, shallow=False)

    def _send(self) -> None:
        try:
            self.device.take_update(self.file)
        except ServerFault as error:
            raise ServerFault(
                f"{error}; if the file is at fault, name another one with --file, or remove"
                f" {self._path} to download it again"
            ) from None

    def _fetch(self, software: Software) -> None:
        self._refuse_services()
        self.fetch(self.file)
        self.journal = Journal(software.installed, has_file=True)
        self._keep()

    def _install(self) -> None:
        self._refuse_services()
        self.device.install_update()

    def _refuse_services(self) -> None:
        """Only its owner knows how to start it again."""
        for one in self.device.fronts():
            if one.service == _STOPPABLE and one.state != "INACTIVE":
                raise Refused(
                    f"{self.folder.name}: {one.service} is {one.state}; stop it before an update:"
                    f" snowballEdge stop-service --service-id {one.service}"
                )

    def _reboot(self) -> None:
        """Counted once begun: a break in between costs one reboot more, never one too few."""
        self.device.reboot()
        self.is_going_down = True
        self.journal.reboots += 1
        self._keep()

    def _end(self) -> None:
        for path in (self.file, self.tag_file, self._path):
            path.unlink(missing_ok=True)
        self.journal = Journal()

    @property
    def tag_file(self) -> Path:
        return self.folder.path / "update.tag"

    @property
    def _path(self) -> Path:
        return self.folder.path / "update.json"

    def _keep(self) -> None:
        replace_file(self._path, json.dumps({"version": 1, **asdict(self.journal)}))

    def _read(self) -> Journal:
        try:
            said = json.loads(self._path.read_bytes())
            if said.pop("version") != 1:
                raise ConfigError(f"{self._path}: is of a newer program; use that one")
            return Journal(**said)
        except FileNotFoundError:
            return Journal()
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise ConfigError(f"{self._path}: is not whole; remove it, run again") from None
