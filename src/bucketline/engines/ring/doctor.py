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
    keys: list[str] = []
    yield _asked("bucketd knows buckets", lambda: _buckets(site.client(site.ring.bucketd), keys))
    yield _rebuild(site, keys)


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


def _buckets(client: Client, keys: list[str]) -> str:
    """The buckets are listed, too, until one of them names an object: its key is kept."""
    found = buckets(client)
    names = [name for name in found if name != REGISTRY and SHADOW not in name]
    for name in names[:_BUCKETS_TRIED]:
        if key := first_key(client, name):
            keys.append(key)
            break
    return f"{len(found)} buckets"


def _rebuild(site: Site, keys: list[str]) -> Finding:
    """An alias is right when it leads to an object that is there."""
    alias = site.ring.arc_alias or f"arc-{site.ring.name}"
    about = f"rebuild knows {alias}"
    if not keys:
        return Finding(about, UNKNOWN, "no object is known to ask for")
    client = site.client(site.ring.rebuild)
    try:
        blocking(client.ask("HEAD", f"/rebuild/{alias}/{keys[0]}"))
    except NotFound:
        detail = f"{keys[0]}, which bucketd names, is not there; capitals count in an alias"
        return Finding(about, NO, detail)
    except BucketlineError as error:
        return Finding(about, NO, str(error))
    return Finding(about, YES, keys[0])


def _asked(about: str, question: Callable[[], str]) -> Finding:
    try:
        return Finding(about, YES, question())
    except BucketlineError as error:
        return Finding(about, NO, str(error))
