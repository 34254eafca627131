"""`bucketline splunk run`: archived buckets back into SmartStore, in waves, with proof."""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import Ordered, options, two_places
from bucketline.cli.signals import listening
from bucketline.cli.splunk.options import choice_of, choosing_buckets, reaching_splunk, world_of
from bucketline.engines.splunk import preflight
from bucketline.engines.splunk.look import Seen, World, look, statuses
from bucketline.engines.splunk.records import Records
from bucketline.engines.splunk.restart import METHODS, Restart
from bucketline.engines.splunk.restoring import Patience, Restoring
from bucketline.engines.splunk.structure import write
from bucketline.engines.splunk.tool import Tool
from bucketline.engines.splunk.waves import Budget, Tally, Waves
from bucketline.errors import UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger.place import Lock
from bucketline.flow.run.terms import Stop
from bucketline.sizes import parse_size

_UNSUPPORTED = (
    "Splunk does not support putting archived buckets into a SmartStore index. It works, and it is"
    " at your own risk; docs/splunk.md says how. If you accept that, add --i-accept-unsupported"
)


def _budgets(command: Any) -> Any:
    return options(
        command,
        click.option("--budget", default="100G", metavar="SIZE", help="Disk for a wave (100G)."),
        click.option("--wave-buckets", default=100, type=click.IntRange(1), help="In a wave."),
        click.option("--reserve", default="10G", metavar="SIZE", help="Disk to stay free (10G)."),
        click.option("--workers", default=2, type=click.IntRange(1, 64), help="Rebuilt at once."),
        click.option("--thaw-days", default=7, type=click.IntRange(1), help="Readable so long."),
        click.option("--thaw-speed", default="Standard", help="Standard, Bulk or Expedited."),
        click.option("--no-evict", is_flag=True, help="Leave buckets in Splunk's cache."),
    )


def _waiting(command: Any) -> Any:
    seconds = click.FloatRange(0)
    return options(
        command,
        click.option("--restart", default="rest", type=click.Choice(METHODS), help="By which way."),
        click.option("--restart-command", default="", metavar="TEXT", help="For `command`."),
        click.option("--rebuild-timeout", default=14400.0, type=seconds, help="Seconds a bucket."),
        click.option("--restart-timeout", default=900.0, type=seconds, help="Seconds."),
        click.option("--upload-timeout", default=3600.0, type=seconds, help="Seconds a bucket."),
        click.option("--evict-timeout", default=120.0, type=seconds, help="Seconds a bucket."),
        click.option("--poll", default=5.0, type=click.FloatRange(0.01), help="Seconds between."),
    )


@click.command(cls=Ordered)
@click.argument("archive")
@click.argument("smartstore")
@choosing_buckets
@_budgets
@_waiting
@click.option("--i-accept-unsupported", "accepts", is_flag=True, help="Splunk does not.")
@click.option("--on-cluster", is_flag=True, help="On a member of a cluster, too.")
@click.option("--retry-quarantined", is_flag=True, help="Take damaged buckets up again.")
@click.option("--structure", metavar="FILE", help="Write bucket_structure.json at the end.")
@reaching_splunk
@two_places
@common
@pass_invocation
def run(invocation: Invocation, /, archive: str, smartstore: str, **said: Any) -> int:
    """ARCHIVE is what Splunk Cloud archived to, SMARTSTORE the path of the indexes' volume.

    Thaws, fetches, checks, rebuilds, restarts Splunk once a wave, waits for proof, then evicts.
    Run again, it goes on. Exit code 4: some are waiting, for a thaw or for Splunk.
    """
    if not said["accepts"]:
        raise UsageError(_UNSUPPORTED)
    if not said["splunk_url"]:
        raise UsageError("--splunk-url is missing; name Splunk's management port")
    folder = job_folder(invocation, archive, smartstore)
    choice = choice_of(said)
    stop = Stop()
    lock = Lock.take(folder / "run")
    try:
        with closing(open_drive()) as drive, listening(stop) as ears:
            world = world_of(invocation, drive, archive, smartstore, said)
            waves = _prepared(invocation, world, look(world, choice), folder, said)
            waves.stop = stop
            tally = waves.run()
            if said["structure"]:
                write(Path(said["structure"]), statuses(look(world, choice)))
    finally:
        lock.release()
    _tell(invocation, tally)
    if ears.exit_code:
        return ears.exit_code
    return 1 if tally.failed else 4 if tally.waiting else 0


def job_folder(invocation: Invocation, archive: str, smartstore: str) -> Path:
    """What is remembered of these two places."""
    digest = hashlib.sha256(f"{archive}\0{smartstore}".encode()).hexdigest()[:10]
    folder = invocation.made_state_folder() / f"splunk-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _prepared(
    invocation: Invocation, world: World, seen: Seen, folder: Path, said: dict[str, Any]
) -> Waves:
    """Checked first: nothing is begun that could not end."""
    assert world.splunk is not None
    tool = Tool(Path(said["splunk_home"] or "/opt/splunk"), said["rebuild_timeout"])
    tool.check()
    place = world.smartstore
    assert place is not None
    volume = f"{place.store.name}{place.prefix}"
    by_rest = said["restart"] == "rest"
    preflight.check(world, seen, volume, on_cluster=said["on_cluster"], restarts=by_rest)
    patience = Patience(
        said["upload_timeout"], said["evict_timeout"], said["restart_timeout"], said["poll"]
    )
    budget = Budget(
        bytes=parse_size(said["budget"]),
        buckets=said["wave_buckets"],
        reserve=parse_size(said["reserve"]),
        workers=said["workers"],
        thaw_days=said["thaw_days"],
        thaw_speed=said["thaw_speed"],
        does_evict=not said["no_evict"],
    )
    steps = Restoring(world, Records(folder / "buckets"), tool, world.splunk, seen.guid, patience)
    restart = Restart(
        said["restart"], said["restart_command"], said["restart_timeout"], said["poll"]
    )

    def tell(index: str, bucket: str, state: str, message: str) -> None:
        if invocation.as_json:
            invocation.printer.record(
                {"event": "bucket", "index": index, "bucket": bucket, "state": state}
                | ({"message": message} if message else {})
            )
        elif state != "skipped":
            tail = f": {message}" if message else ""
            invocation.printer.result(f"{state:<8} {index}/{bucket}{tail}")

    return Waves(seen, steps, budget, restart, Stop(), tell, again=said["retry_quarantined"])


def _tell(invocation: Invocation, tally: Tally) -> None:
    counts = {name: getattr(tally, name) for name in Tally.__dataclass_fields__}
    if invocation.as_json:
        invocation.printer.record({"event": "summary", **counts})
        return
    said = " · ".join(f"{name} {count:,}" for name, count in counts.items())
    invocation.printer.notice(said)
