"""What the configuration file says, as frozen values."""

from __future__ import annotations

import stat
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from bucketline.errors import ConfigError
from bucketline.settings import Environment, Keys, Remote, Secret


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is: an environment variable or a file; never the secret itself."""

    env: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{{env: {self.env}}}" if self.env else f"{{file: {self.file}}}"


@dataclass(frozen=True, slots=True)
class NamedRemote:
    """A remote as the file has it: its keys still references."""

    remote: Remote
    place: str  # file:line:column, for messages.
    access_key: str | SecretReference = ""
    secret_key: SecretReference | None = None
    session_token: SecretReference | None = None
    sse_c_key: SecretReference | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A sync or relay that has a name: `bucketline sync --name NAME`. None = not said."""

    source: str
    target: str
    delete: bool | None = None
    max_delete: str | None = None
    compare: str | None = None
    filters: tuple[tuple[str, str], ...] = ()  # ("include" | "exclude", pattern), in order.
    workers: str | None = None
    bwlimit: str | None = None
    accept_proof: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)  # What was said, by its word.
    logs: str | None = None  # Where logs of its runs are kept; "" = nowhere.
    hooks: Mapping[str, Any] | None = None  # failed, waiting, complete: a URL, or a command.
    metrics: Mapping[str, Any] | None = None  # textfile, namespace, dimension, interval …
    relay: Mapping[str, Any] | None = None  # volumes, watermark, keep_free, max_fetch … of a relay.


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of every run that says nothing else."""

    workers: str | None = None
    bwlimit: str | None = None
    max_delete: str | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """A storage ring and its services, as the file has them."""

    name: str
    path: Path  # The folder of its runs.
    supervisor: str
    bucketd: str
    rebuild: str
    login: str = ""
    password: SecretReference | None = None
    arc_alias: str = ""  # "" = arc-NAME; where an input key leads to its object.
    arcdata_alias: str = ""  # "" = arcdata-NAME; where a main chunk does.
    chord_alias: str = ""  # "" = chord-NAME; where a main chunk is deleted with all of its others.
    put_path: str = ""  # Of `rebuild`: where objects are put again; "" = /rebuild/ and arc_alias.
    quarantine: str = ""  # A location: what is deleted is copied there first.
    ca_bundle: str = ""
    verify_tls: bool = True
    grace_days: int = 14
    fingerprints: tuple[str, ...] = ()  # Of buckets of ours that are gone.


class Remotes(Mapping[str, Remote]):
    """The file's remotes; a remote's secrets are looked up only when it is used."""

    def __init__(self, named: Mapping[str, NamedRemote], environment: Environment) -> None:
        self.named = named
        self._environment = environment

    def __getitem__(self, name: str) -> Remote:
        return with_keys(self.named[name], self._environment)

    def __contains__(self, name: object) -> bool:
        return name in self.named  # Without looking up secrets.

    def __iter__(self) -> Iterator[str]:
        return iter(self.named)

    def __len__(self) -> int:
        return len(self.named)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file."""

    remotes: Remotes
    path: Path | None = None  # None = there is no file.
    jobs: Mapping[str, Job] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    rings: Mapping[str, Ring] = field(default_factory=dict)
    logs: str = ""  # Where logs of every run are kept that says nothing else.
    metrics: Mapping[str, Any] = field(default_factory=dict)  # Of every run; a job's go before.
    lines: Mapping[str, int] = field(default_factory=dict)  # limits.workers -> its line.


def with_keys(named: NamedRemote, environment: Environment) -> Remote:
    """The remote with its secrets; raises `ConfigError` when one cannot be had."""
    remote = named.remote
    if named.sse_c_key is not None:
        text = _look_up(named.sse_c_key, named, environment)
        remote = replace(remote, customer_key=customer_key(text, f"remotes.{remote.name}"))
    if named.secret_key is None:
        return remote
    keys_again = partial(_keys, named, named.secret_key, environment)
    return replace(remote, keys=keys_again(), keys_again=keys_again)


def customer_key(text: str, place: str) -> Secret:
    """A key of 32 bytes in base64 or hex, as requests carry it; `place` is for a message."""
    try:
        key = bytes.fromhex(text) if len(text) == 64 else b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError(
            f"{place}: a key for SSE-C has 32 bytes, written in base64 or hex; make one with"
            " `openssl rand -base64 32`"
        )
    return Secret(b64encode(key).decode())


def reference_of(text: str) -> SecretReference:
    """`env:NAME` or `file:PATH`, as the command line names a secret's place."""
    kind, colon, where = text.partition(":")
    if colon and where and kind in {"env", "file"}:
        return SecretReference(**{kind: where})
    raise ConfigError("say where the key is, as env:NAME or file:PATH; never the key itself")


def _keys(named: NamedRemote, secret_key: SecretReference, environment: Environment) -> Keys:
    access_key = named.access_key
    if isinstance(access_key, SecretReference):
        access_key = _look_up(access_key, named, environment)
    token = named.session_token
    return Keys(
        access_key,
        Secret(_look_up(secret_key, named, environment)),
        Secret(_look_up(token, named, environment) if token else ""),
    )


def _look_up(reference: SecretReference, named: NamedRemote, environment: Environment) -> str:
    try:
        return reveal(reference, environment)
    except ConfigError as error:
        raise ConfigError(f"{named.place}: remotes.{named.remote.name}: {error}") from None


def reveal(reference: SecretReference, environment: Environment) -> str:
    """What the reference leads to."""
    if reference.env:
        value = environment.first(reference.env)
        if not value:
            raise ConfigError(f"the variable {reference.env} is not set; export it")
        return value
    path = Path(reference.file)
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(f"{path} can be read by others; chmod 600 it")
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'not text'}") from None
    if not value:
        raise ConfigError(f"{path} is empty; put the secret there")
    return value
