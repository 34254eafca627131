"""`bucketline serve`: what ledgers tell, over HTTPS."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import one_place, side_of
from bucketline.cli.places import open_shelf
from bucketline.cli.token import tokens_of
from bucketline.clock import SystemClock
from bucketline.errors import UsageError
from bucketline.flow.report.log_file import Shelf

_EXTRA = "the service needs more packages: pip install 'bucketline[serve]'"


@click.command
@click.option("--host", default="127.0.0.1", help="The address to listen at (127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65_535), default=8443, help="(8443)")
@click.option("--name", multiple=True, metavar="NAME", help="By which clients call it; repeat.")
@click.option("--certificate", metavar="FILE", help="Instead of one of our own, with --key.")
@click.option("--key", metavar="FILE", help="Its private key.")
@click.option("--insecure-http", is_flag=True, help="No TLS: only at a loopback address.")
@click.option("--log-location", metavar="LOCATION", help="Tell of logs that are kept there, too.")
@one_place
@common
@pass_invocation
def serve(invocation: Invocation, /, *, host: str, port: int, **said: object) -> int:
    """Without a token nobody gets in: see `bucketline token create`. INT or TERM ends it."""
    try:
        from bucketline.service.app import Served
        from bucketline.service.running import Listening, run
    except ImportError as error:
        raise UsageError(f"{_EXTRA} ({error})") from None
    is_plain = bool(said["insecure_http"])
    if is_plain and not _is_loopback(host):
        raise UsageError(f"--insecure-http: {host} is no loopback address; leave it out")
    if bool(said["certificate"]) != bool(said["key"]):
        raise UsageError("--certificate and --key go together; say both or neither")
    given = (Path(str(said["certificate"])), Path(str(said["key"]))) if said["key"] else None
    names = tuple(said["name"]) if isinstance(said["name"], tuple) else ()
    state, clock = invocation.made_state_folder(), SystemClock()
    if not any(not one.revoked for one in tokens_of(state).all()):
        invocation.printer.notice("there is no token yet; `bucketline token create` makes one")
    where = Listening(host, port, given, names or _names(host), is_plain)
    what = Served(state, invocation.config_path, invocation.environment, _logs(invocation, said))
    return run(what, clock, where, invocation.printer.notice)


def _logs(invocation: Invocation, said: dict[str, object]) -> Shelf | None:
    """What the option says, else the configuration."""
    text = said["log_location"] or invocation.config.logs
    return open_shelf(invocation.location(str(text), side_of(said))) if text else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _names(host: str) -> tuple[str, ...]:
    own = () if host in ("0.0.0.0", "::") else (host,)  # noqa: S104 - compared, not bound
    return tuple(dict.fromkeys((*own, socket.gethostname(), "localhost", "127.0.0.1")))
