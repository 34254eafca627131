"""What is left to do until a device can be used: pure, of what was seen of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bucketline.config.added import add_remote, has_remote
from bucketline.engines.edge.aws_files import AwsFiles, Said, profile_words
from bucketline.engines.edge.calm import Deed, Wait
from bucketline.engines.edge.device import Device, Front, State
from bucketline.engines.edge.folder import DeviceFolder
from bucketline.engines.edge.remote import remote_words
from bucketline.errors import BadCredentials
from bucketline.settings import Keys, Secret

_UNLOCKS_MAX = 3


class Goals(NamedTuple):
    """What is wanted, beside an unlocked device whose keys are known."""

    profile: bool = False
    default: bool = False
    remote: Path | None = None  # The configuration that shall name it, beside the profile.


@dataclass(frozen=True)
class Seen:
    """How device and files stand."""

    state: State
    why: str = ""
    keys: Keys | None = None  # The device's, which are known once it is unlocked.
    has_keys: bool = False
    trust: str = ""
    has_trust: bool = True
    front: Front | None = None  # The one to use; None = none yet.
    has_profile: bool = True
    has_remote: bool = True
    is_default: bool = True


@dataclass
class SettingUp:
    """One device on its way."""

    device: Device
    folder: DeviceFolder
    files: AwsFiles
    goals: Goals
    hide: Callable[[Secret], None]
    unlocks: int = 0

    def look(self) -> Seen:
        state, why = self.device.state()
        if state is not State.UNLOCKED:
            return Seen(state, why)
        keys = self.device.keys()
        self.hide(keys.secret_key)
        has_keys = self.folder.keys() == keys
        is_default = self.device.is_default() if self.goals.default else True
        if not self.goals.profile:
            return Seen(state, keys=keys, has_keys=has_keys, is_default=is_default)
        trust = self.device.trust()
        front = next((one for one in self.device.fronts() if one.is_usable), None)
        return Seen(
            state,
            keys=keys,
            has_keys=has_keys,
            trust=trust,
            has_trust=trust == self.folder.trust(),
            front=front,
            has_profile=front is not None and self.files.has(*self._words(keys, trust, front)),
            has_remote=self._has_remote(front, trust),
            is_default=is_default,
        )

    def _has_remote(self, front: Front | None, trust: str) -> bool:
        if front is None or self.goals.remote is None:
            return True
        words = remote_words(self.folder, front, has_trust=bool(trust))
        return has_remote(self.goals.remote, self.folder.name, words)

    def plan(self, seen: Seen) -> Deed | Wait | None:
        if seen.state is State.LOCKED:
            return Deed("unlock", self._unlock)
        if seen.state is not State.UNLOCKED or seen.keys is None:
            is_told = bool(seen.why) and seen.state is not State.UNLOCKED
            return Wait(_WAITS[seen.state] + (f" ({seen.why})" if is_told else ""))
        if not seen.has_keys:
            return Deed("write keys", partial(self.folder.keep_keys, seen.keys))
        return self._plan_files(seen, seen.keys)

    def _plan_files(self, seen: Seen, keys: Keys) -> Deed | Wait | None:
        if not seen.has_trust:
            return Deed("write certificate", partial(self.folder.keep_trust, seen.trust))
        if self.goals.profile and seen.front is None:
            return Wait("the device has no S3 service that is active; start one")
        if seen.front is not None and not seen.has_profile:
            words = self._words(keys, seen.trust, seen.front)
            return Deed("write AWS profile", partial(self.files.write, *words))
        if seen.front is not None and self.goals.remote and not seen.has_remote:
            said = remote_words(self.folder, seen.front, has_trust=bool(seen.trust))
            where = self.goals.remote
            return Deed("write remote", partial(add_remote, where, self.folder.name, said))
        if not seen.is_default:
            return Deed("configure the client", self.device.make_default)
        return None

    def _unlock(self) -> None:
        self.unlocks += 1
        if self.unlocks > _UNLOCKS_MAX:
            raise BadCredentials(
                f"{self.folder.name}: is locked again after {_UNLOCKS_MAX} times; look at it"
            )
        self.device.unlock()

    def _words(self, keys: Keys, trust: str, front: Front) -> tuple[str, Keys, Said, Said]:
        name = self.folder.name
        bundle = str(self.folder.trust_path) if trust else ""
        services = {"s3": {"endpoint_url": front.url, "addressing_style": "path"}}
        return name, keys, profile_words(name, self.device.region, bundle), services


_WAITS = {
    State.AWAY: "the device does not answer, or has no address yet",
    State.UNLOCKING: "the device is unlocking",
    State.UNLOCKED: "the device tells no keys yet",
}
