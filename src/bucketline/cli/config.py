"""`bucketline config`: says whether the configuration is right, and what is in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click

from bucketline.cli.invocation import Invocation, check_remote, common, pass_invocation
from bucketline.config import Config, Job, NamedRemote, with_keys
from bucketline.errors import ConfigError, UsageError
from bucketline.settings import Remote

_SECRET = "••••"  # noqa: S105 - what is shown instead of one
_DEFAULTS = {"workers": "auto", "bwlimit": "none", "max_delete": "1000"}


class Fact(NamedTuple):
    """One thing that is in force."""

    name: str
    value: str
    origin: str  # flag, env NAME, file:line, default


@click.command
@common
@pass_invocation
def check(invocation: Invocation) -> int:
    """Every error is told at once, with line and column; secrets are looked up, never shown."""
    config = invocation.config
    broken = [
        error for remote in config.remotes.named.values() if (error := _error(remote, invocation))
    ]
    if broken:
        raise ConfigError("\n".join(broken))
    counts = {"remotes": len(config.remotes), "jobs": len(config.jobs)}
    if invocation.as_json:
        invocation.printer.record({"file": str(config.path or ""), "is_valid": True, **counts})
    elif config.path is None:
        invocation.printer.result(f"{invocation.config_path}: there is no such file; defaults hold")
    else:
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        invocation.printer.result(f"{config.path}: no errors ({said})")
    return 0


@click.command
@click.option("--origin", is_flag=True, help="Also where each value comes from.")
@common
@pass_invocation
def show(invocation: Invocation, *, origin: bool) -> None:
    """Flags go before the environment, that before the file, that before defaults."""
    facts = list(effective(invocation))
    width = max(len(fact.name) for fact in facts)
    for fact in facts:
        if invocation.as_json:
            invocation.printer.record(fact._asdict())
        else:
            where = f"   ({fact.origin})" if origin else ""
            invocation.printer.result(f"{fact.name:{width}}  {fact.value}{where}")


def effective(invocation: Invocation) -> Iterator[Fact]:
    """What holds for a command started like this one; secrets only by where they are."""
    config = invocation.config
    yield _folder(invocation, "config", str(invocation.config_path), invocation.config_file)
    yield _folder(invocation, "state", str(invocation.state_folder), invocation.state)
    yield from _environment(invocation)
    for name, default in _DEFAULTS.items():
        value = getattr(config.limits, name)
        yield _from_file(config, f"limits.{name}", default if value is None else str(value))
    yield _from_file(config, "logs", config.logs or "none")
    for name, value in config.metrics.items():
        yield _from_file(config, f"metrics.{name}", str(value))
    for name, remote in config.remotes.named.items():
        yield from _remote(config, name, remote)
    for name, job in config.jobs.items():
        for word in Job.__dataclass_fields__:
            if f"jobs.{name}.{word}" in config.lines:
                shown = _shown(getattr(job, word))
                yield _from_file(config, f"jobs.{name}.{word}", shown)


def _error(named: NamedRemote, invocation: Invocation) -> str:
    try:
        check_remote(with_keys(named, invocation.environment))
    except (ConfigError, UsageError) as error:
        return str(error)
    return ""


def _folder(invocation: Invocation, name: str, value: str, flag: str) -> Fact:
    variable = f"BUCKETLINE_{name.upper()}"
    if flag:
        return Fact(name, value, "flag")
    return Fact(
        name, value, f"env {variable}" if invocation.environment.first(variable) else "default"
    )


_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "S3_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)
_SECRET_VARIABLES = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def _environment(invocation: Invocation) -> Iterator[Fact]:
    for name in _VARIABLES:
        if value := invocation.environment.first(name):
            shown = _SECRET if name in _SECRET_VARIABLES else invocation.printer.redacted(value)
            yield Fact(name, shown, f"env {name}")


def _from_file(config: Config, name: str, value: str) -> Fact:
    line = config.lines.get(name)
    return Fact(name, value, f"{config.path}:{line}" if line else "default")


def _shown(value: Any) -> str:
    """As the file has it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(" ".join(one) if isinstance(one, tuple) else one for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _remote(config: Config, name: str, named: NamedRemote) -> Iterator[Fact]:
    place = f"remotes.{name}"
    for word in Remote.__dataclass_fields__:
        if word in ("name", "keys"):
            continue
        value = getattr(named.remote, word)
        if f"{place}.{word}" in config.lines:
            yield _from_file(config, f"{place}.{word}", _shown(value))
    for word in ("access_key", "secret_key", "session_token", "sse_c_key"):
        if reference := getattr(named, word):
            yield _from_file(config, f"{place}.{word}", str(reference))
