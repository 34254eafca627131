"""What an edge device is to us, whoever made it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

from bucketline.settings import Keys


class State(Enum):
    """How far it is from being used."""

    AWAY = "AWAY"  # No answer, or no address yet.
    LOCKED = "LOCKED"
    UNLOCKING = "UNLOCKING"
    UNLOCKED = "UNLOCKED"


class Front(NamedTuple):
    """One of its S3 services."""

    service: str
    state: str  # ACTIVE, ACTIVATING, DEACTIVATING, DEGRADED, INACTIVE
    url: str
    total: int | None = None  # Bytes; None = it does not tell.
    free: int | None = None
    others: tuple[str, ...] = ()  # Further URLs of the same: those of a cluster's other devices.

    @property
    def is_usable(self) -> bool:
        return bool(self.url) and self.state in {"ACTIVE", "DEGRADED"}


class Software(NamedTuple):
    """What runs on it."""

    installed: str
    installing: str
    state: str  # na, downloading, downloaded, installing, requires reboot
    certificate_expiry: str = ""


class Device(Protocol):
    """One device. Every call asks it anew and raises by cause."""

    region: str

    def state(self) -> tuple[State, str]:
        """How it stands, and its address."""

    def unlock(self) -> None:
        """Begin; `state` tells when it is done."""

    def keys(self) -> Keys:
        """What its S3 services take."""

    def trust(self) -> str:
        """Its certificates in PEM form; "" = those that the system trusts will do."""

    def fronts(self) -> list[Front]:
        """Its S3 services, the one to use first."""

    def software(self) -> Software | None:
        """None = it does not tell."""

    def reboot(self) -> None:
        """Begin; it may be locked afterwards."""

    def is_default(self) -> bool:
        """Whether the vendor's tool talks to it when nothing else is said."""

    def make_default(self) -> None:
        """Have it do so."""
