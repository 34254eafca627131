"""The buckets of a service: the one question that goes to no bucket."""

from __future__ import annotations

from bucketline.clock import SystemClock
from bucketline.errors import Broken
from bucketline.flow.drive import blocking
from bucketline.settings import Remote
from bucketline.stores.base import Flow
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.markup import Torn, name_of, text, tree


def buckets_at(remote: Remote) -> list[str]:
    """Their names. Raises by cause."""
    return blocking(_buckets(Client(remote, "", clock=SystemClock())))


def _buckets(client: Client) -> Flow[list[str]]:
    answer = yield from client.send(Call("GET", None, "LIST"))
    try:
        root = tree(answer.body)
    except Torn:
        raise Broken("the list of buckets broke off", endpoint=client.remote.endpoints[0]) from None
    return sorted(text(one, "Name") for one in root.iter() if name_of(one) == "Bucket")
