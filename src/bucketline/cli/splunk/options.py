"""Options of the commands for Splunk, and what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.options import options, side_of
from bucketline.cli.places import hash_memory, open_place
from bucketline.cli.sanity import check_source
from bucketline.clock import SystemClock
from bucketline.engines.splunk.adopting import Hints
from bucketline.engines.splunk.choosing import Choice, listed, moment
from bucketline.engines.splunk.look import Over, Place, Seen, World, look, never
from bucketline.engines.splunk.rest import Splunk
from bucketline.engines.splunk.structure import read
from bucketline.errors import UsageError
from bucketline.flow.drive import Drive
from bucketline.settings import Location, Secret, as_folder
from bucketline.stores.base import Route

F = TypeVar("F", bound=Callable[..., Any])
_NOTHING = "no bucket fits; look at --index, --from, --to and at the archive's prefix"


def choosing_buckets(command: F) -> F:
    """Which buckets."""
    return options(
        command,
        click.option("--index", multiple=True, metavar="GLOB", help="Buckets of these indexes."),
        click.option("--exclude-index", multiple=True, metavar="GLOB", help="Not of these."),
        click.option("--from", "start", metavar="TIME", help="With events at or after TIME."),
        click.option("--to", "end", metavar="TIME", help="With events at or before TIME."),
        click.option("--only", metavar="FILE", help="Those named in FILE, by id or by folder."),
        click.option(
            "--from-structure",
            metavar="FILE",
            help="Those that an old bucket_structure.json names.",
        ),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="So many at most."),
        click.option("--newest-first", is_flag=True, help="Instead of the oldest first."),
    )


def reaching_splunk(command: F) -> F:
    """How to reach Splunk."""
    return options(
        command,
        click.option("--splunk-url", metavar="URL", help="Its management port, https://…:8089."),
        click.option(
            "--splunk-auth", metavar="REF", help="Its token or USER:PASSWORD at env:, file:."
        ),
        click.option("--splunk-ca", metavar="FILE", help="Authorities to trust of it."),
        click.option("--splunk-insecure", is_flag=True, help="Trust any certificate: unsafe."),
        click.option("--splunk-home", metavar="DIR", help="Where it is installed (/opt/splunk)."),
        click.option("--local", metavar="DIR", help="Where indexes are, if it is not asked."),
    )


def choice_of(said: dict[str, Any]) -> Choice:
    now = SystemClock().now()
    only = _named(said["only"]) if said["only"] else frozenset()
    if said["from_structure"]:
        old = frozenset(f"{index}/{bucket}" for index, bucket in hints_of(said))
        if only:
            raise UsageError("--only and --from-structure both say which; leave out one of them")
        only = old
    start = moment(said["start"], now) if said["start"] else None
    end = moment(said["end"], now) if said["end"] else None
    if start is not None and end is not None and start > end:
        raise UsageError("--from is after --to")
    return Choice(
        indexes=tuple(said["index"]),
        excluded=tuple(said["exclude_index"]),
        start=start,
        end=end,
        only=only,
        limit=said["limit"],
        is_newest_first=said["newest_first"],
    )


def looked(invocation: Invocation, world: World, choice: Choice, is_over: Over = never) -> Seen:
    """What is there of it; a choice of nothing is most likely a slip."""
    seen = look(world, choice, is_over)
    if not seen.planned:
        invocation.printer.notice(_NOTHING)
    return seen


def _named(path: str) -> frozenset[str]:
    try:
        only = listed(Path(path).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    if not only:
        raise UsageError(f"{path}: names no bucket")
    return only


def hints_of(said: dict[str, Any]) -> Hints:
    """What an old file says of each bucket that it names."""
    path = said["from_structure"]
    if not path:
        return {}
    statuses = read(Path(path))
    hints = {(index, bucket): status for index, ones in statuses.items() for bucket, status in ones}
    if not hints:
        raise UsageError(f"{path}: names no bucket")
    return hints


def world_of(
    invocation: Invocation, drive: Drive, archive: str, smartstore: str, said: dict[str, Any]
) -> World:
    """Everything that was pointed at."""
    both = side_of(said)
    here = _place(invocation, invocation.location(archive, side_of(said, "source_"), both))
    there = None
    if smartstore:
        location = invocation.location(smartstore, side_of(said, "target_"), both)
        there = _place(invocation, location)
    return World(
        archive=here,
        drive=drive,
        clock=SystemClock(),
        smartstore=there,
        splunk=splunk_of(invocation, said),
        local=said["local"] or "",
    )


def splunk_of(invocation: Invocation, said: dict[str, Any]) -> Splunk | None:
    """Splunk, if it was named."""
    url = said["splunk_url"]
    if not url:
        return None
    if "@" in url:
        raise UsageError(
            "--splunk-url holds a login; name that by --splunk-auth env:NAME or file:PATH"
        )
    if not url.startswith("https://"):
        raise UsageError(f"{url}: Splunk is reached by https alone; write https://host:8089")
    if not said["splunk_auth"]:
        raise UsageError("--splunk-auth is missing; write env:NAME or file:PATH")
    from bucketline.config.values import reference_of, reveal

    auth = Secret(reveal(reference_of(said["splunk_auth"]), invocation.environment))
    invocation.printer.hide(auth, Secret(auth.reveal.partition(":")[2]))
    if said["splunk_insecure"]:
        invocation.printer.notice("Splunk's certificate is not checked: anyone may answer for it")
    route = Route(ca_file=said["splunk_ca"] or "", verify_tls=not said["splunk_insecure"])
    return Splunk(url, auth, route)


def _place(invocation: Invocation, location: Location) -> Place:
    check_source(location)
    side = open_place(location, hash_memory(invocation))
    return Place(side.store, as_folder(side.prefix))
