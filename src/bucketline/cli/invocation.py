"""How the program was called: the options that every command takes, and what they lead to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bucketline.cli.printer import Printer
from bucketline.errors import ConfigError, DiskError, UsageError
from bucketline.settings import (
    Environment,
    Keys,
    Location,
    Remote,
    Side,
    environment,
    is_loopback,
)

if TYPE_CHECKING:
    from bucketline.config import Config

F = TypeVar("F", bound=Callable[..., Any])
PROGRESS = ("auto", "plain", "json", "none")


@dataclass
class Invocation:
    """One call of the program."""

    environment: Environment = field(default_factory=environment)
    printer: Printer = field(default_factory=Printer)
    config_file: str = ""
    state: str = ""
    as_json: bool = False
    progress: str = "auto"

    @cached_property
    def config(self) -> Config:
        """What the configuration says; without a file, nothing."""
        from bucketline.config import load

        if self.config_file and not Path(self.config_file).exists():
            raise ConfigError(f"{self.config_file}: there is no such file; --config names it")
        return load(self.config_path, self.environment)

    @property
    def config_path(self) -> Path:
        return Path(self.config_file) if self.config_file else self.environment.config_file

    @property
    def state_folder(self) -> Path:
        """Where ledgers are; may not exist yet."""
        return Path(self.state).absolute() if self.state else self.environment.state_folder

    def made_state_folder(self) -> Path:
        """The same, existing; ours alone, since ledgers hold other people's names."""
        folder = self.state_folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DiskError(
                f"{folder}: cannot hold the ledger ({error.strerror}); choose another with --state"
            ) from None
        return folder

    def location(self, text: str, side: Side, both: Side | None = None) -> Location:
        """Where `text` points; its secrets are hidden from here on."""
        from bucketline.locations import parse_location

        found = parse_location(
            text,
            remotes=self.config.remotes,
            side=side,
            both=both or Side(),
            environment=self.environment,
        )
        if found.remote is None:
            return found
        remote = found.remote
        if keys := remote.keys:
            self._hidden(keys)
        if (again := remote.keys_again) is not None:
            remote = replace(remote, keys_again=lambda: self._hidden(again()))
        check_remote(remote)
        remote = self._sealed(remote, side.sse_c_key or (both or Side()).sse_c_key)
        return replace(found, remote=self._completed(remote))

    def _sealed(self, remote: Remote, reference: str) -> Remote:
        """With the key that its objects are encrypted with, which never crosses a wire in clear."""
        if reference:
            from bucketline.config.values import customer_key, reference_of, reveal

            text = reveal(reference_of(reference), self.environment)
            remote = replace(remote, customer_key=customer_key(text, "--sse-c-key"))
        if remote.customer_key is not None:
            self.printer.hide(remote.customer_key)
            for endpoint in remote.endpoints:
                if not endpoint.startswith("https:") and not is_loopback(endpoint):
                    raise UsageError(f"{endpoint}: a key for SSE-C travels by https alone")
        return remote

    def _hidden(self, keys: Keys | None) -> Keys | None:
        if keys is not None:
            self.printer.hide(keys.secret_key, keys.session_token)
        return keys

    def _completed(self, remote: Remote) -> Remote:
        """With what the AWS configuration files say, if it is they that we rely on."""
        is_whole = bool(remote.region and (remote.endpoints or self.environment.ignores_endpoints))
        if is_whole or remote.anonymous or (remote.keys and not remote.profile):
            return remote
        # Imported here: whoever brings their own keys needs none of this.
        from bucketline.stores.s3.credentials import aws_settings

        endpoint, region = aws_settings(remote.profile)
        if remote.name == "s3" and endpoint and not self.environment.ignores_endpoints:
            remote = replace(remote, endpoints=remote.endpoints or (endpoint,))
        return replace(remote, region=remote.region or region)


def check_remote(remote: Remote) -> None:
    """Raise `UsageError` for what could not work, before anything is asked."""
    sources = remote.source_addresses or ("",) * len(remote.endpoints)
    ways = Counter(zip(remote.endpoints, sources, strict=True))
    if twice := next((url for (url, _), count in ways.items() if count > 1), ""):
        raise UsageError(f"{twice}: is named twice; leave one out")
    if remote.ca_bundle:
        try:
            is_bundle = b"-----BEGIN" in Path(remote.ca_bundle).read_bytes()
        except OSError as error:
            raise UsageError(
                f"{remote.ca_bundle}: the authorities to trust cannot be read ({error.strerror});"
                " check --ca-bundle, AWS_CA_BUNDLE and ca_bundle:"
            ) from None
        if not is_bundle:
            raise UsageError(f"{remote.ca_bundle}: holds no certificate; name a file in PEM form")


pass_invocation = click.make_pass_decorator(Invocation, ensure=True)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and param.name:
        setattr(ctx.ensure_object(Invocation), param.name, value)


def _kept(*names: str, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_keep, **settings)


_COMMON = (
    _kept("--config", "config_file", metavar="FILE", help="The configuration to read."),
    _kept("--state", metavar="DIR", help="The folder of the ledgers."),
    _kept("--json", "as_json", is_flag=True, default=None, help="Results as one object a line."),
    _kept("--progress", type=click.Choice(PROGRESS), help="How to show progress, on stderr."),
)


def common(command: F) -> F:
    """The options that every command takes; before or after the command's name is the same."""
    for option in reversed(_COMMON):
        command = option(command)
    return command
