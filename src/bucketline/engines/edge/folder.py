"""A device's folder, as its users know it: manifest, settings, and the keys that we write."""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bucketline.config.document import load
from bucketline.durable import is_no_file, replace_file
from bucketline.errors import ConfigError, UsageError, printable
from bucketline.settings import Keys, Secret, check_endpoint

SETTINGS, KEYS, TRUST = "sbe_config.yaml", "keys.yaml", "ca-bundle.pem"
VENDOR, APPLIANCE = "vendor", "s3"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_WORDS = {"unlock_key", "endpoint_url", "provider", "region", "device_ips"}
_NODES_MIN, _NODES_MAX = 2, 16  # Of a cluster; one of three may be broken.


@dataclass(frozen=True)
class DeviceFolder:
    """What a person has put together for one device."""

    path: Path
    endpoint: str
    provider: str
    region: str
    manifest: Path | None  # The two that only the vendor's device has.
    unlock_code: Secret
    device_ips: tuple[str, ...] = ()  # Of a cluster: every one of its devices.

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def trust_path(self) -> Path:
        return self.path / TRUST

    def keys(self) -> Keys | None:
        """Those written before; None = none, or none that are whole."""
        path = self.path / KEYS
        try:
            if not path.is_file() or stat.S_IMODE(path.stat().st_mode) & 0o077:
                return None
            said = load(path)
        except (ConfigError, OSError):
            return None
        if not isinstance(said, Mapping):
            return None
        access, secret = said.get("aws_access_key_id"), said.get("aws_secret_access_key")
        if not isinstance(access, str) or not isinstance(secret, str) or not access or not secret:
            return None
        return Keys(str(access), Secret(str(secret)))

    def need_keys(self) -> Keys:
        keys = self.keys()
        if keys is None:
            remedy = f"run bucketline edge unlock {self.path}"
            if self.provider == APPLIANCE:
                remedy = "write aws_access_key_id: and aws_secret_access_key: there, mode 0600"
            raise ConfigError(f"{self.path / KEYS}: holds no keys that only you can read; {remedy}")
        return keys

    def keep_keys(self, keys: Keys) -> None:
        """All of it or nothing, and for nobody else to read."""
        said = {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        lines = (
            f"{name}: '{str(getattr(value, 'reveal', value)).replace(chr(39), chr(39) * 2)}'\n"
            for name, value in said.items()
        )
        _keep(self.path / KEYS, "".join(lines), 0o600)

    def trust(self) -> str:
        try:
            return self.trust_path.read_text(encoding="ascii") if self.trust_path.is_file() else ""
        except (OSError, UnicodeDecodeError):
            return ""

    def keep_trust(self, pem: str) -> None:
        _keep(self.trust_path, pem, 0o644)


def _keep(file: Path, text: str, mode: int) -> None:
    """A pipe that stands there gives way: who reads it waits for ever."""
    if file.is_fifo():
        with suppress(OSError):  # What cannot be removed cannot be written either, and is told.
            file.unlink()
    replace_file(file, text, mode)


def open_folder(text: str) -> DeviceFolder:
    """Raises `UsageError` or `ConfigError` for what is missing or wrong."""
    path = Path(text).absolute()
    if not path.is_dir():
        raise UsageError(f"{printable(text)}: there is no such folder; it holds {SETTINGS}")
    path = path.resolve()
    if not _NAME.fullmatch(path.name):
        raise UsageError(
            f"{printable(path.name)!r}: the folder's name becomes a profile's name; "
            "use letters, digits, '_', '-' and '.'"
        )
    file = path / SETTINGS
    said = load(ordinary(file))
    if not isinstance(said, Mapping):
        raise ConfigError(f"{file}: must hold unlock_key: and endpoint_url:; write them")
    if unknown := [printable(str(word)) for word in said if word not in _WORDS]:
        raise ConfigError(
            f"{file}: {', '.join(unknown)}: not known; there are {', '.join(sorted(_WORDS))}"
        )
    provider = _text(file, said, "provider", VENDOR)
    if provider not in {VENDOR, APPLIANCE}:
        raise ConfigError(f"{file}: provider is {VENDOR} or {APPLIANCE}; correct it")
    endpoint = _text(file, said, "endpoint_url").rstrip("/")
    try:
        check_endpoint(endpoint)
    except UsageError as error:
        raise ConfigError(f"{file}: endpoint_url: {error}") from None
    is_vendor = provider == VENDOR
    return DeviceFolder(
        path,
        endpoint,
        provider,
        region=_text(file, said, "region", "snow" if is_vendor else "us-east-1"),
        manifest=_manifest(path) if is_vendor else None,
        unlock_code=Secret(_text(file, said, "unlock_key") if is_vendor else ""),
        device_ips=_device_ips(file, said, endpoint) if is_vendor else (),
    )


def ordinary(file: Path) -> Path:
    """What is no file may never end, or never begin."""
    if is_no_file(file):
        raise ConfigError(f"{file}: is no ordinary file; put one there")
    return file


def _device_ips(file: Path, said: Mapping[str, Any], endpoint: str) -> tuple[str, ...]:
    """Those of a cluster, the endpoint's among them; () = it is one device."""
    given = said.get("device_ips")
    if given is None:
        return ()
    try:
        found = [str(ipaddress.ip_address(one)) for one in given if isinstance(one, str)]
        is_right = len(found) == len(given) == len(set(found))
    except (TypeError, ValueError):
        is_right, found = False, []
    if not is_right or not _NODES_MIN <= len(found) <= _NODES_MAX:
        raise ConfigError(
            f"{file}: device_ips: must be a list of {_NODES_MIN} to {_NODES_MAX} addresses,"
            " each once and in quotes; correct it"
        )
    if urlsplit(endpoint).hostname not in found:
        raise ConfigError(
            f"{file}: endpoint_url: is none of device_ips; name one of the cluster's devices"
        )
    return tuple(found)


def _text(file: Path, said: Mapping[str, Any], word: str, otherwise: str = "") -> str:
    """The value is never shown: it may be a secret in the wrong place."""
    value = said.get(word, otherwise)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{file}: {word}: must be text; write it in quotes")
    if not value.isprintable():
        raise ConfigError(f"{file}: {word}: must be one line; correct it")
    return str(value).strip()


def _manifest(path: Path) -> Path:
    found = sorted(one for one in path.iterdir() if one.name.endswith("manifest.bin"))
    if len(found) != 1:
        what = "no file *manifest.bin" if not found else f"{len(found)} files *manifest.bin"
        raise ConfigError(f"{path}: holds {what}; put there the one of this device")
    try:
        with ordinary(found[0]).open("rb") as file:
            if file.read(1):
                return found[0]
    except OSError as error:
        raise ConfigError(f"{found[0]}: cannot be read ({error.strerror}); check it") from None
    raise ConfigError(f"{found[0]}: is empty; download the device's manifest again")
