"""The device of the vendor whose client program is spoken to here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bucketline.engines.edge import answers
from bucketline.engines.edge.client import NAME, Client
from bucketline.engines.edge.cluster import left_out, locked, nodes, together
from bucketline.engines.edge.device import Front, Software, State
from bucketline.engines.edge.folder import DeviceFolder
from bucketline.errors import BadCredentials, ConfigError, ServerFault, Unreachable, Unsupported
from bucketline.settings import Keys

T = TypeVar("T")
_FRONTS = ("s3-snow", "s3")  # The one that can do more comes first.
_PROFILES = Path(".aws", "snowball", "config", "snowball-edge.config")
_DEFAULT = "default"


@dataclass
class VendorDevice:
    """One device behind the client."""

    folder: DeviceFolder
    client: Client
    home: Path
    is_known: bool = False  # To the client, under the folder's name.

    def __post_init__(self) -> None:
        self.region = self.folder.region
        self.client.hide(self.folder.unlock_code)

    def state(self) -> tuple[State, str]:
        self._introduce()
        ips = self.folder.device_ips
        command = "describe-cluster" if ips else "describe-device"
        try:
            text = self._ask(command)
        except (ServerFault, Unreachable) as error:
            if isinstance(error, Unreachable):
                raise
            return State.AWAY, str(error)
        if ips:
            found = self._read(nodes, text, command)
            if left := left_out(found, ips):
                raise ConfigError(
                    f"{self.folder.path}: device_ips: {', '.join(left)} of the cluster is not"
                    " there, and locked; add it"
                )
            return together(found, ips)
        return self._read(answers.state, text, command)

    def unlock(self) -> None:
        ips = self.folder.device_ips
        if not ips:
            self._ask("unlock-device")
            return
        found = locked(self._told(nodes, "describe-cluster"))
        waiting = [ip for ip in found if ip in ips]
        if len(waiting) == len(ips):
            self._ask("unlock-cluster", "--device-ip-addresses", *ips)
            return
        for ip in waiting:  # It was rebooted, and the others were not.
            self._ask("unlock-device", *_at(ip))

    def keys(self) -> Keys:
        names = self._told(lambda text: answers.names(text, "AccessKeyIds"), "list-access-keys")
        if not names:
            raise BadCredentials(f"{NAME} list-access-keys: the device has no keys; ask its owner")
        words = ("get-secret-access-key", "--access-key-id", names[0])
        keys = self._told(lambda text: answers.keys(text, names[0]), *words, is_secret=True)
        self.client.hide(keys.secret_key)
        return keys

    def trust(self) -> str:
        return "".join(self._trust(*_at(ip)) for ip in self.folder.device_ips) or self._trust()

    def _trust(self, *where: str) -> str:
        found = self._told(answers.certificates, "list-certificates", *where)
        return "".join(
            self._told(answers.pem, "get-certificate", "--certificate-arn", one, *where)
            for one in found
        )

    def fronts(self) -> list[Front]:
        known = self._told(lambda text: answers.names(text, "ServiceIds"), "list-services")
        return [
            self._told(answers.front, "describe-service", "--service-id", one)
            for one in _FRONTS
            if one in known
        ]

    def software(self) -> Software | None:
        return self._told(answers.software, "describe-device-software")

    def reboot(self) -> None:
        self._ask("reboot-device")

    def latest(self) -> str:
        """The newest software that there is."""
        return self._told(answers.latest, "check-for-updates")

    def take_update(self, file: Path) -> None:
        """Begin to bring the file over."""
        self._ask("download-updates", "--uri", file.as_uri())

    def install_update(self) -> None:
        """Begin to install what it has taken."""
        self._ask("install-updates")

    def is_default(self) -> bool:
        return self._is_profile(_DEFAULT)

    def make_default(self) -> None:
        self._configure()
        self._read(answers.state, self.client.ask("describe-device"), "describe-device")

    def _introduce(self) -> None:
        """Tell the client of the device, so that no command needs the unlock code."""
        if not self.is_known and not self._is_profile(self.folder.name):
            self._configure("--profile", self.folder.name)
        self.is_known = True

    def _configure(self, *words: str) -> None:
        said = (str(self.folder.manifest), self.folder.unlock_code.reveal, self.folder.endpoint)
        try:
            self.client.ask("configure", *words, answers=said)
        except ServerFault as error:
            raise BadCredentials(
                f"{self.folder.path}: manifest and unlock code are refused; "
                f"check unlock_key and the manifest ({error})"
            ) from None

    def _is_profile(self, name: str) -> bool:
        path = self.home / _PROFILES
        try:
            said = json.loads(path.read_bytes())["profiles"]
            one = said.get(name) or {}
            known = tuple(one.get(w) for w in ("manifestPath", "unlockCode", "defaultEndpoint"))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}); check it") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(
                f"{path}: is not the client's configuration; move it away, run again"
            ) from None
        folder = self.folder
        return known == (str(folder.manifest), folder.unlock_code.reveal, folder.endpoint)

    def _ask(self, *words: str) -> str:
        self._introduce()
        return self.client.ask(*words, "--profile", self.folder.name)

    def _told(self, read: Callable[[str], T], *words: str, is_secret: bool = False) -> T:
        return self._read(read, self._ask(*words), words[0], is_secret=is_secret)

    def _read(
        self, read: Callable[[str], T], text: str, command: str, *, is_secret: bool = False
    ) -> T:
        try:
            return read(text)
        except answers.Strange:
            said = "something that may hold a secret" if is_secret else self.client.shown(text)
            raise Unsupported(
                f"{NAME} {command}: not understood: {said}; check the client's version"
            ) from None


def _at(ip: str) -> tuple[str, str]:
    """To one device of a cluster, and not to the one that the profile names."""
    return "--endpoint", f"https://[{ip}]" if ":" in ip else f"https://{ip}"
