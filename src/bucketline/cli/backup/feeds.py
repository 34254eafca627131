"""Where the events of a backup's source come from, as a person says it."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from bucketline.cli.backup.backing import Backing
from bucketline.cli.options import Said
from bucketline.config.values import reference_of, reveal
from bucketline.errors import UsageError, printable
from bucketline.flow.events import Door, Feed, Hook, Queue, heard
from bucketline.settings import Secret
from bucketline.stores.s3.credentials import Credentials, source_of

_SQS, _HOOK = "sqs:", "hook:"


def feed_of(backing: Backing, kept: Path, said: Said) -> Feed:
    """Raises `UsageError` for what is none; a hook keeps its events in that file."""
    events = str(said["events"])
    if events.startswith(_HOOK):
        return _hook(backing, kept, said)
    if said["events_secret"]:
        raise UsageError("--events-secret goes with --events hook:; a queue has credentials")
    if events.startswith(_SQS):
        remote = backing.wish.source.remote
        assert remote is not None
        keys = Credentials(source_of(remote), backing.clock)
        url = events.removeprefix(_SQS)
        return Queue.of(url, remote.region, lambda: keys.load()[0], backing.clock, backing.drive)
    raise UsageError(
        f"--events {printable(events)}: say sqs: and the URL of a queue, or hook:HOST:PORT"
    )


def _hook(backing: Backing, kept: Path, said: Said) -> Hook:
    host, _, port = str(said["events"]).removeprefix(_HOOK).rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise UsageError(f"--events {printable(str(said['events']))}: say hook:HOST:PORT")
    if not said["watch"]:
        raise UsageError("--events hook: hears only while it runs; say --watch, too")
    invocation, bucket = backing.invocation, backing.wish.source.bucket
    secret = Secret("")
    if said["events_secret"]:
        secret = Secret(reveal(reference_of(said["events_secret"]), invocation.environment))
        invocation.printer.hide(secret)
    elif not _is_here(host):
        raise UsageError(
            f"--events hook:{printable(host)}: others can reach it; say --events-secret, too"
        )
    door = Door(host.strip("[]"), int(port), secret)

    def is_ours(body: str) -> bool:
        return heard(body, bucket).is_ours

    hook = Hook(door, kept, is_ours, backing.clock, invocation.printer.notice)
    invocation.printer.notice(f"events are heard at http://{host}:{hook.port}/")
    return hook


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
