"""`bucketline splunk run`, and its steps alone: `rebuild`, `upload`, `evict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, two_places
from bucketline.cli.splunk.options import choosing_buckets, reaching_splunk
from bucketline.cli.splunk.running import budgets, carry_out, waiting
from bucketline.engines.splunk.wave import ACTS


def _step(act: str, text: str) -> click.Command:
    """One of the steps as a command of its own; what is not its turn is skipped."""

    def step(invocation: Invocation, /, archive: str, smartstore: str, **said: Any) -> int:
        return carry_out(invocation, archive, smartstore, said, (act,))

    step.__doc__ = text
    command: Callable[..., Any] = common(pass_invocation(step))
    for more in (two_places, reaching_splunk, waiting, budgets, choosing_buckets):
        command = more(command)
    command = click.argument("smartstore", required=False, default="")(command)
    return click.command(cls=Ordered)(click.argument("archive")(command))


@click.command(cls=Ordered)
@click.argument("archive")
@click.argument("smartstore", required=False, default="")
@choosing_buckets
@budgets
@waiting
@click.option("--interactive", is_flag=True, help="Ask for the index and how many buckets.")
@click.option("--no-evict", is_flag=True, help="Leave buckets in Splunk's cache.")
@reaching_splunk
@two_places
@common
@pass_invocation
def run(invocation: Invocation, /, archive: str, smartstore: str, **said: Any) -> int:
    """ARCHIVE is what Splunk Cloud archived to, SMARTSTORE the path of the indexes' volume.

    Thaws, fetches, checks, rebuilds, restarts Splunk once a wave, waits for proof, then evicts.
    Run again, it goes on. With --into thaweddb, buckets of an index without SmartStore stay on the
    disk, which Splunk supports. Exit code 4: some are waiting, for a thaw or for Splunk.
    """
    return carry_out(invocation, archive, smartstore, said, ACTS[:2] if said["no_evict"] else ACTS)


rebuild = _step("rebuild", "Fetches, checks and rebuilds buckets, and puts them into their place.")
upload = _step("upload", "Restarts Splunk if need be, and waits until uploads are proven.")
evict = _step("evict", "Proves each upload again, and evicts it if it is whole.")
