"""`bucketline support-bundle`: what a bug report needs, in one file, and no secret in it."""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import suppress
from pathlib import Path

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.clock import SystemClock
from bucketline.durable import whole_file
from bucketline.errors import ConfigError, DiskError, printable
from bucketline.flow.report.bundle import Sources, pages
from bucketline.settings import Secret

_OURS = ("AWS_", "BUCKETLINE_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_", "LANG", "TZ")
_TELLING = ("SECRET", "TOKEN", "PASSWORD", "PASSWD", "ACCESS_KEY", "CREDENTIAL", "UNLOCK")


@click.command
@click.option("-o", "--output", required=True, metavar="FILE", help="A .tar.gz to be written.")
@click.option("--with-keys", is_flag=True, help="Name objects; else they are hashes.")
@common
@pass_invocation
def support_bundle(invocation: Invocation, *, output: str, with_keys: bool) -> None:
    """Versions, the configuration, runs and what went wrong. Look through it before you send it."""
    _hide_all(invocation)
    variables = [
        name for name in invocation.environment.variables if name.upper().startswith(_OURS)
    ]
    what = Sources(
        *(invocation.state_folder, invocation.config_path, variables, with_keys),
        masked=invocation.printer.redacted,
    )
    names = _write(Path(output), what)
    if invocation.as_json:
        invocation.printer.record({"event": "bundle", "file": output, "holds": names})
    else:
        invocation.printer.result(printable(f"{output}: {', '.join(names)}"))


def _write(path: Path, what: Sources) -> list[str]:
    now, names = int(SystemClock().now()), []
    try:
        with whole_file(path) as file, tarfile.open(fileobj=file, mode="w:gz") as bundle:
            os.fchmod(file.fileno(), 0o600)
            for name, text in pages(what):
                body = text.encode(errors="backslashreplace")
                about = tarfile.TarInfo(f"bucketline-support/{name}")
                about.size, about.mtime, about.mode = len(body), now, 0o600
                bundle.addfile(about, io.BytesIO(body))
                names.append(name)
    except OSError as error:
        raise DiskError(f"{path}: cannot be written ({error.strerror or error})") from None
    return names


def _hide_all(invocation: Invocation) -> None:
    """Whatever this machine keeps secret must not get in by way of a message."""
    variables = invocation.environment.variables
    telling = (Secret(text) for name, text in variables.items() if _is_telling(name))
    invocation.printer.hide(*telling)
    with suppress(ConfigError):  # A file that cannot be read is in the bundle for that very reason.
        remotes = invocation.config.remotes
        for name in remotes:
            with suppress(ConfigError):
                if keys := remotes[name].keys:
                    invocation.printer.hide(keys.secret_key, keys.session_token)


def _is_telling(name: str) -> bool:
    return any(word in name.upper() for word in _TELLING)
