"""What a person configured, as frozen values; the only reader of the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that does not print."""

    reveal: str = field(repr=False)

    def __str__(self) -> str:
        return "••••"


@dataclass(frozen=True, slots=True)
class Keys:
    """What requests are signed with."""

    access_key: str
    secret_key: Secret
    session_token: Secret = field(default_factory=lambda: Secret(""))
    expires: float = 0.0  # Seconds since 1970; 0 = never.


KeySource = Callable[[], Keys | None]  # May block (processes, network); None = anonymous.


@dataclass(frozen=True, slots=True)
class Remote:
    """One S3 service and how to speak to it."""

    name: str = "s3"
    endpoints: tuple[str, ...] = ()  # Base URLs; none = AWS in `region`.
    region: str = ""
    profile: str = ""  # Of the AWS configuration files.
    keys: Keys | None = None  # Given directly (environment, 0600 file); before any profile.
    anonymous: bool = False
    path_style: bool | None = None  # None = yes on an endpoint of one's own, no on AWS.
    ca_bundle: str = ""
    verify_tls: bool = True
    proxy: str = ""
    no_proxy: str = ""
    source_address: str = ""
    connect_timeout_seconds: int = 10
    idle_timeout_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Location:
    """Where a person pointed: a bucket (and a prefix or key) of a remote, or a folder."""

    text: str  # As it was typed; for messages.
    remote: Remote | None = None  # None = a folder on this machine.
    bucket: str = ""
    prefix: str = ""  # Raw: "p/" is a folder, "p" is the object p if there is one, else the folder p/.
    folder: str = ""  # Absolute path.
