"""doctor: whether the ring's services answer as the phases need it. Only reads, and little."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from bucketline.engines.ring.client import Client
from bucketline.engines.ring.export import REGISTRY, SHADOW, buckets, first_key
from bucketline.engines.ring.listing import topology
from bucketline.engines.ring.site import Site
from bucketline.errors import BucketlineError, NotFound
from bucketline.flow.drive import blocking

YES, NO, UNKNOWN = "yes", "no", "?"
_BUCKETS_TRIED = 20


class Finding(NamedTuple):
    """One answer: yes, no or ? (not found out)."""

    about: str
    answer: str
    detail: str = ""


def examine(site: Site) -> Iterator[Finding]:
    """Each service by itself: what fails keeps nobody from asking the next one."""
    yield _asked("the supervisor knows a whole ring", lambda: _nodes(site))
    yield _asked("the nodes list", lambda: _listing(site))
    client = site.client(site.ring.bucketd)
    yield _asked("bucketd knows buckets", lambda: f"{len(buckets(client))} buckets")
    yield from _rebuild(site, client)


def _nodes(site: Site) -> str:
    return f"{len(topology(site))} nodes"


def _listing(site: Site) -> str:
    """Each node is asked for a second of 1970, in which nothing was written."""
    nodes = topology(site)
    for node in nodes:
        question = urlencode(
            {"dso": site.ring.name, "vnode": node.vnode, "mtime_min": 0, "mtime_max": 1}
        )
        blocking(site.client(node.admin).ask("GET", f"/listkeys?{question}"))
    return f"{len(nodes)} nodes"


def _rebuild(site: Site, bucketd: Client) -> Iterator[Finding]:
    """An alias is right when it leads to an object that is there."""
    alias = site.ring.arc_alias or f"arc-{site.ring.name}"
    about = f"rebuild knows {alias}"
    try:
        names = [name for name in buckets(bucketd) if name != REGISTRY and SHADOW not in name]
        keys = (first_key(bucketd, name) for name in names[:_BUCKETS_TRIED])
        key = next(filter(None, keys), "")
    except BucketlineError as error:
        yield Finding(about, UNKNOWN, str(error))
        return
    if not key:
        yield Finding(about, UNKNOWN, "no object is known to ask for")
        return
    client = site.client(site.ring.rebuild)
    try:
        blocking(client.ask("HEAD", f"/rebuild/{alias}/{key}"))
    except NotFound:
        detail = f"{key}, which bucketd names, is not there; capitals count in an alias"
        yield Finding(about, NO, detail)
    except BucketlineError as error:
        yield Finding(about, NO, str(error))
    else:
        yield Finding(about, YES, key)


def _asked(about: str, question: Callable[[], str]) -> Finding:
    try:
        return Finding(about, YES, question())
    except BucketlineError as error:
        return Finding(about, NO, str(error))
