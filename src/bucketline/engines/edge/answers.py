"""What the vendor's client prints, as values. What is not known stops, and is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bucketline.engines.edge.device import Front, Software, State
from bucketline.settings import Keys, Secret


class Strange(Exception):
    """The client printed something else than it is known to."""


_STATES = {state.value: state for state in (State.LOCKED, State.UNLOCKING, State.UNLOCKED)}
_PEM = re.compile(
    r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----", re.ASCII
)


def record(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        raise Strange from None
    if not isinstance(value, dict):
        raise Strange
    return value


def state(text: str) -> tuple[State, str]:
    """How the device stands, and its address. One without an address is not there yet."""
    said = record(text)
    word = state_of(_inner(said, "UnlockStatus").get("State"))
    address = str(_inner(said, "ActiveNetworkInterface").get("IpAddress") or "")
    if address in {"", "0.0.0.0"}:  # noqa: S104  What an unused port shows.
        return State.AWAY, ""
    return word, address


def state_of(word: object) -> State:
    """One of those that are known."""
    if word not in _STATES:
        raise Strange
    return _STATES[str(word)]


def names(text: str, word: str) -> list[str]:
    """A list of names."""
    found = record(text).get(word)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Strange
    return found


def keys(text: str, access_key: str) -> Keys:
    """The secret of `access_key`."""
    said = dict(_pairs(text, "="))
    secret = said.get("aws_secret_access_key", "")
    if said.get("aws_access_key_id") != access_key or not secret or " " in secret:
        raise Strange
    return Keys(access_key, Secret(secret))


def certificates(text: str) -> list[str]:
    """The names of all certificates."""
    found = record(text).get("Certificates")
    if not isinstance(found, list):
        raise Strange
    arns = [one.get("CertificateArn") for one in found if isinstance(one, dict)]
    if not arns or not all(isinstance(arn, str) for arn in arns):
        raise Strange
    return [str(arn) for arn in arns]


def pem(text: str) -> str:
    """A certificate."""
    found = _PEM.findall(text)
    if not found:
        raise Strange
    return "\n".join(found) + "\n"


def front(text: str) -> Front:
    """One S3 service of the device."""
    said = record(text)
    name, state = said.get("ServiceId"), _inner(said, "Status").get("State")
    if not isinstance(name, str) or not isinstance(state, str):
        raise Strange
    total, free = _room(said)
    first, *others = _urls(said) or [""]
    return Front(name, state, first, total, free, tuple(others))


def software(text: str) -> Software:
    """What runs on the device, and whether something newer is on its way."""
    said = {name.lower().replace(" ", ""): value for name, value in _pairs(text, ":")}
    if "installedversion" not in said or "installstate" not in said:
        raise Strange
    return Software(
        said["installedversion"],
        said.get("installingversion", ""),
        said["installstate"].lower().replace("_", " "),
        said.get("certificateexpiry", ""),
    )


def _pairs(text: str, sign: str) -> list[tuple[str, str]]:
    split = (line.partition(sign) for line in text.splitlines() if sign in line)
    return [(name.strip(), value.strip()) for name, _, value in split]


def _inner(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _room(said: Mapping[str, Any]) -> tuple[int | None, int | None]:
    storage = _inner(said, "Storage")
    total, free = storage.get("TotalSpaceBytes"), storage.get("FreeSpaceBytes")
    if isinstance(total, int) and isinstance(free, int):
        return total, free
    for one in said.get("ServiceCapacities") or ():
        if isinstance(one, dict) and one.get("Unit") == "Byte":
            used, free = one.get("Used"), one.get("Available")
            if isinstance(used, int) and isinstance(free, int):
                return used + free, free
    return None, None


def _urls(said: Mapping[str, Any]) -> list[str]:
    """Where objects are: never the interface that only knows buckets; TLS before none. More than
    one where several devices serve the same.
    """
    found: list[tuple[tuple[bool, bool], str]] = []
    for one in said.get("Endpoints") or ():
        if not isinstance(one, dict):
            raise Strange
        about = str(one.get("Description", "")).lower()
        if "bucket" in about and "object" not in about:
            continue
        if _inner(one, "Status").get("State") == "INACTIVE":
            continue
        scheme, host, port = one.get("Protocol"), one.get("Host"), one.get("Port")
        if scheme not in {"http", "https"} or not isinstance(host, str) or not host:
            raise Strange
        if not isinstance(port, int):
            raise Strange
        usual = {"http": 80, "https": 443}[scheme]
        url = f"{scheme}://{host}" + ("" if port == usual else f":{port}")
        found.append((("object" not in about, scheme != "https"), url))
    return sorted(url for kind, url in found if kind == min(found)[0])


def latest(text: str) -> str:
    """The newest software that there is."""
    found = {name.lower(): value for name, value in _pairs(text, ":")}.get("latest version", "")
    if not found:
        raise Strange
    return found
