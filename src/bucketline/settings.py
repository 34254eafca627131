"""What a person configured, as frozen values; the only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from bucketline.errors import UsageError, printable


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


is_loopback = re.compile(r"http://(127\.\d+\.\d+\.\d+|\[::1\]|localhost)(:\d+)?/?").fullmatch


KeySource = Callable[[], Keys | None]  # May block (processes, network); None = anonymous.


@dataclass(frozen=True, slots=True)
class Remote:
    """One S3 service and how to speak to it."""

    name: str = "s3"
    endpoints: tuple[str, ...] = ()  # Base URLs; none = AWS in `region`.
    region: str = ""
    profile: str = ""  # Of the AWS configuration files.
    keys: Keys | None = None  # Given directly (environment, 0600 file); before any profile.
    # Where `keys` came from, to look there again when they are not good any more.
    keys_again: KeySource | None = field(default=None, repr=False, compare=False)
    customer_key: Secret | None = None  # What objects are encrypted with, in base64 (SSE-C).
    anonymous: bool = False
    path_style: bool | None = None  # None = yes on an endpoint of one's own, no on AWS.
    dual_stack: bool = False  # Of AWS's own endpoints: those that IPv6 reaches as well,
    fips: bool = False  # and those with cryptography by FIPS 140.
    use_arn_region: bool | None = None  # Whether an ARN's goes first; None = if none was said.
    ca_bundle: str = ""
    verify_tls: bool = True
    proxy: str = ""
    no_proxy: str = ""
    source_address: str = ""
    source_addresses: tuple[str, ...] = ()  # Of each endpoint; none = `source_address` for all.
    connections: int = 500  # At one endpoint, at most: devices drop what is above 1,000.
    connect_timeout_seconds: int = 10
    idle_timeout_seconds: int = 60
    # What it takes, in bytes; 0 = as much as S3 does.
    part_size_min: int = 0
    part_size_max: int = 0
    parts_max: int = 0
    object_size_max: int = 0
    begin_keeps_object: bool | None = None  # The object there when one in parts begins; None = ?


@dataclass(frozen=True, slots=True)
class Location:
    """Where a person pointed: a bucket (and a prefix or key) of a remote, or a folder."""

    text: str  # As it was typed; for messages.
    remote: Remote | None = None  # None = a folder on this machine.
    bucket: str = ""
    prefix: str = ""  # Raw: "p/" is a folder, "p" the object p if there is one, else the folder p/.
    folder: str = ""  # Absolute path.


def as_folder(prefix: str) -> str:
    """The prefix of what lies below it."""
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def holds(prefix: str, key: str) -> bool:
    """Whether the key is the object of that name, or lies below it as a folder."""
    return key == prefix or key.startswith(as_folder(prefix))


@dataclass(frozen=True, slots=True)
class Side:
    """What the command line says of one side, or of both."""

    endpoints: tuple[str, ...] = ()
    profile: str = ""
    region: str = ""
    anonymous: bool = False
    ca_bundle: str = ""
    verify_tls: bool = True
    sse_c_key: str = ""  # Where the customer's key is: env:NAME or file:PATH.


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment variables that mean something to us."""

    variables: Mapping[str, str] = field(repr=False)

    def first(self, *names: str) -> str:
        """The first of these variables that says anything."""
        return next((value for name in names if (value := self.variables.get(name, ""))), "")

    @property
    def keys(self) -> Keys | None:
        access_key = self.first("AWS_ACCESS_KEY_ID")
        secret_key = self.first("AWS_SECRET_ACCESS_KEY")
        if not access_key or not secret_key:
            return None
        token = self.first("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
        return Keys(access_key, Secret(secret_key), Secret(token))

    @property
    def side(self) -> Side:
        """What the environment says of every `s3://` location."""
        endpoint = self.first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT_URL")
        if self.ignores_endpoints:
            endpoint = ""
        return Side(
            endpoints=(endpoint,) if endpoint else (),
            profile=self.first("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
            region=self.first("AWS_REGION", "AWS_DEFAULT_REGION"),
            ca_bundle=self.first("AWS_CA_BUNDLE"),
        )

    @property
    def ignores_endpoints(self) -> bool:
        """Whether only flags and our own configuration may name an endpoint."""
        return self.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") is True

    def flag(self, name: str) -> bool | None:
        """What a variable that is "true" or "false" says; None = nothing."""
        return {"true": True, "false": False}.get(self.first(name).lower())

    @property
    def no_proxy(self) -> str:
        return self.first("no_proxy", "NO_PROXY")

    def proxy(self, scheme: str) -> str:
        """The proxy for URLs of this scheme."""
        name = f"{scheme}_proxy"
        return self.first(name, name.upper(), "all_proxy", "ALL_PROXY")

    @property
    def config_file(self) -> Path:
        """Where the configuration is unless an option says otherwise."""
        named = self.first("BUCKETLINE_CONFIG")
        folder = self.first("XDG_CONFIG_HOME") or Path(self.home, ".config")
        return Path(named) if named else Path(folder, "bucketline", "config.yaml")

    @property
    def state_folder(self) -> Path:
        """Where the ledgers are unless an option says otherwise."""
        named = self.first("BUCKETLINE_STATE")
        folder = self.first("XDG_STATE_HOME") or Path(self.home, ".local", "state")
        return Path(named) if named else Path(folder, "bucketline")

    @property
    def home(self) -> str:
        return self.first("HOME") or str(Path.home())


def environment() -> Environment:
    """What surrounds us now."""
    return Environment(dict(os.environ))


def ad_hoc_remote(side: Side, both: Side, environment: Environment) -> Remote:
    """The service of an `s3://` location."""
    around = environment.side
    asked = side.profile or both.profile
    remote = Remote(
        endpoints=side.endpoints or both.endpoints or around.endpoints,
        region=side.region or both.region or around.region,
        profile=asked or around.profile,
        # As with the AWS tools: a profile asked for goes before the environment's keys.
        keys=None if asked else environment.keys,
        anonymous=side.anonymous or both.anonymous,
        ca_bundle=side.ca_bundle or both.ca_bundle or around.ca_bundle,
        verify_tls=side.verify_tls and both.verify_tls,
    )
    return _reachable(remote, environment)


def named_remote(remote: Remote, side: Side, both: Side, environment: Environment) -> Remote:
    """The service of a `name:` location, completed and overruled by what was said."""
    around = environment.side
    asked = side.profile or remote.profile or both.profile
    keys = None if side.profile else remote.keys
    anonymous = side.anonymous or remote.anonymous or (both.anonymous and not keys)
    remote = replace(
        remote,
        endpoints=side.endpoints or remote.endpoints or both.endpoints,
        source_addresses=remote.source_addresses if not side.endpoints else (),
        region=side.region or remote.region or both.region or around.region,
        profile=asked if keys is None else remote.profile,
        keys=keys or (None if asked else environment.keys),
        keys_again=remote.keys_again if keys is not None else None,
        anonymous=anonymous,
        ca_bundle=side.ca_bundle or remote.ca_bundle or both.ca_bundle or around.ca_bundle,
        verify_tls=remote.verify_tls and side.verify_tls and both.verify_tls,
    )
    return _reachable(remote, environment)


def _reachable(remote: Remote, environment: Environment) -> Remote:
    """With its proxy; endpoints are checked here, since every one comes by here."""
    for endpoint in remote.endpoints:
        check_endpoint(endpoint)
    scheme = urlsplit(remote.endpoints[0]).scheme if remote.endpoints else "https"
    return replace(
        remote,
        endpoints=tuple(endpoint.rstrip("/") for endpoint in remote.endpoints),
        dual_stack=remote.dual_stack or bool(environment.flag("AWS_USE_DUALSTACK_ENDPOINT")),
        fips=remote.fips or bool(environment.flag("AWS_USE_FIPS_ENDPOINT")),
        use_arn_region=environment.flag("AWS_S3_USE_ARN_REGION")
        if remote.use_arn_region is None
        else remote.use_arn_region,
        proxy=remote.proxy or environment.proxy(scheme),
        no_proxy=remote.no_proxy or environment.no_proxy,
    )


def check_endpoint(endpoint: str) -> None:
    """Raise `UsageError` unless this is the base URL of a service."""
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("an endpoint makes no sense; say https://host:port") from None
    if "@" in parts.netloc:
        raise UsageError(
            f"the endpoint at {host} carries a user or a password; "
            "give credentials by profile, environment or file"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(
            f"{printable(endpoint)}: not an endpoint; say https://host or http://host:port"
        )
    if parts.query or parts.fragment:
        raise UsageError(f"an endpoint takes no query: {parts.scheme}://{parts.netloc}")
