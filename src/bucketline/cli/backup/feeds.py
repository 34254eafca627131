"""Where the events of a backup's source come from, as a person says it."""

from __future__ import annotations

from bucketline.cli.backup.backing import Backing
from bucketline.errors import UsageError, printable
from bucketline.flow.events import Feed, Queue
from bucketline.stores.s3.credentials import Credentials, source_of

_SQS = "sqs:"


def feed_of(backing: Backing) -> Feed:
    """Raises `UsageError` for what is none."""
    said = str(backing.wish.words["events"])
    if said.startswith(_SQS):
        remote = backing.wish.source.remote
        assert remote is not None
        keys = Credentials(source_of(remote), backing.clock)
        url = said.removeprefix(_SQS)
        return Queue.of(url, remote.region, lambda: keys.load()[0], backing.clock, backing.drive)
    raise UsageError(f"--events {printable(said)}: say sqs: and the URL of a queue")
