"""`bucketline token`: who may ask the service."""

from __future__ import annotations

from pathlib import Path

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Period
from bucketline.clock import SystemClock
from bucketline.errors import UsageError, printable
from bucketline.service.tokens import SCOPES, Token, Tokens
from bucketline.sizes import show_moment

HOME, FILE = "service", "tokens.json"
_YEAR = 365 * 86_400
_LONGEST = 100 * _YEAR


def tokens_of(state: Path) -> Tokens:
    return Tokens(state / HOME / FILE, SystemClock())


@click.command
@click.option("--scope", type=click.Choice(SCOPES), default="read", help="read, or run (read).")
@click.option("--expires", type=Period(), metavar="TIME", help="As in 90d; without it, a year.")
@click.option("--name", default="", help="What it is for.")
@common
@pass_invocation
def create(invocation: Invocation, *, scope: str, expires: int | None, name: str) -> None:
    """Its secret is printed once, and kept nowhere."""
    if (expires or 0) > _LONGEST:
        raise UsageError("--expires: at most 36500d; a token can be made anew at any time")
    ends = SystemClock().now() + (expires or _YEAR)
    token, secret = tokens_of(invocation.made_state_folder()).create(name, scope, ends)
    if invocation.as_json:
        invocation.printer.record({"event": "token", **_told(token), "token": secret})
        return
    invocation.printer.notice(f"token {token.id}, {scope}, until {show_moment(token.expires)}:")
    invocation.printer.result(secret)


@click.command
@common
@pass_invocation
def list_tokens(invocation: Invocation) -> None:
    """Also those that are over."""
    found = tokens_of(invocation.state_folder).all()
    for token in found:
        if invocation.as_json:
            invocation.printer.record({"event": "token", **_told(token)})
        else:
            invocation.printer.result(_line(token))
    if not found:
        invocation.printer.notice("there are none: nobody gets in; see bucketline token create")


@click.command
@click.argument("token")
@common
@pass_invocation
def revoke(invocation: Invocation, token: str) -> None:
    """By its id, or by its name if only one is called so."""
    gone = tokens_of(invocation.state_folder).revoke(token)
    if invocation.as_json:
        invocation.printer.record({"event": "token", **_told(gone)})
    else:
        invocation.printer.result(_line(gone))


def _told(token: Token) -> dict[str, object]:
    told = {"id": token.id, "name": token.name, "scope": token.scope, "made": token.made}
    return told | {"expires": token.expires or None, "revoked": token.revoked or None}


def _line(token: Token) -> str:
    ends = f"until {show_moment(token.expires)}" if token.expires else "for ever"
    if token.revoked:
        ends = f"revoked {show_moment(token.revoked)}"
    return f"{token.id}  {token.scope:4}  {ends}  {printable(token.name)}"
