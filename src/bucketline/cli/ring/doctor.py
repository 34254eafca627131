"""`bucketline ring doctor`: whether the services of a ring answer."""

from __future__ import annotations

from pathlib import Path

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.ring.phases import ring_of
from bucketline.clock import SystemClock
from bucketline.config.values import reveal
from bucketline.engines.ring.client import Patience
from bucketline.engines.ring.doctor import NO, examine
from bucketline.engines.ring.site import Site
from bucketline.errors import printable
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.duck import Duck
from bucketline.settings import Secret

_SHUT = 5


@click.command
@click.argument("name")
@common
@pass_invocation
def doctor(invocation: Invocation, /, name: str) -> int:
    """Only reads: the supervisor, each node, bucketd, and the alias that leads to objects."""
    ring = ring_of(invocation, name)
    password = Secret(reveal(ring.password, invocation.environment) if ring.password else "")
    invocation.printer.hide(password)
    engine = Duck(Bounds("128MB"))  # Says first what has to be installed.
    site = Site(ring, Path(), engine, SystemClock(), password, Patience(tries=2))
    is_shut = False
    for finding in examine(site):
        is_shut |= finding.answer == NO
        if invocation.as_json:
            invocation.printer.record(finding._asdict())
        else:
            line = f"{finding.about:38} {finding.answer:5} {printable(finding.detail)}"
            invocation.printer.result(line.rstrip())
    engine.close()
    return _SHUT if is_shut else 0
