"""What must hold before anything is begun; each reason against it is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bucketline.engines.splunk.look import Seen, World
from bucketline.engines.splunk.rest import Index
from bucketline.engines.splunk.structure import TO_DO
from bucketline.errors import Refused, StoreError

_VERSION_MIN = 8
_SKEW_SECONDS = 300
_PEERS = {"cluster_slave", "cluster_peer", "cluster_master", "cluster_manager"}


def check(
    world: World,
    seen: Seen,
    volume: str,
    *,
    on_cluster: bool,
    restarts: bool,
    is_held: bool = False,
) -> None:
    """Raises `Refused` with every reason, one a line. No volume: it goes into thaweddb."""
    reasons = [*_server(world, seen, on_cluster=on_cluster, restarts=restarts)]
    going = [one for one in seen.planned if not one.flaw and (not one.trap or one.status != TO_DO)]
    names = sorted({one.bucket.index for one in going})
    for name in names:
        index = seen.indexes.get(name)
        if index is None:
            reasons.append(f"{name}: Splunk has no such index; make it, or leave it out")
        else:
            reasons += [f"{name}: {one}" for one in _index(index, volume)]
            reasons += [f"{name}: {one}" for one in _volume(world, index, volume)]
    reasons += seen.warnings
    if is_held:  # What must stay may not go where it would not.
        reasons += [
            f"{one.bucket.index}/{one.bucket.name.text}: {one.trap}"
            for one in seen.planned
            if one.trap
        ]
    if reasons:
        raise Refused("nothing was begun:\n" + "\n".join(reasons))


def _server(world: World, seen: Seen, *, on_cluster: bool, restarts: bool) -> Iterator[str]:
    version = str(seen.info.get("version", "0"))
    if int(version.partition(".")[0] or 0) < _VERSION_MIN:
        yield f"Splunk is {version}; SmartStore needs {_VERSION_MIN} or newer"
    roles = set(seen.info.get("server_roles", ()))
    if roles & _PEERS and not on_cluster:
        yield "this is a member of a cluster: restore on a machine of its own, or say --on-cluster"
    if not seen.guid:
        yield "Splunk tells no GUID of its own"
    assert world.splunk is not None
    skew = abs(world.splunk.clock - world.clock.now())
    if world.splunk.clock and skew > _SKEW_SECONDS:
        yield f"its clock and this machine's are {skew:,.0f} s apart: set them, retention needs it"
    if restarts:
        try:
            able = world.drive.call(world.splunk.capabilities())
        except StoreError:
            return  # Not every version tells; the restart itself will.
        if "restart_splunkd" not in able:
            yield "this user may not restart Splunk (restart_splunkd); use another --restart"


def _index(index: Index, volume: str) -> Iterator[str]:
    if index.is_disabled:
        yield "is disabled"
    if index.is_metric:
        yield "is an index of metrics, whose archived journals are stubs"
    if volume and not index.remote_path:
        yield "is no SmartStore index (it has no remotePath)"
    if index.remote_path and not volume:
        yield "is a SmartStore index, which ignores its thawedPath; name one that is none"
    home = Path(index.home if volume else index.thawed)
    parent = home if home.exists() else home.parent
    if not os.access(parent, os.W_OK):
        yield f"{parent} cannot be written by this user; run as the user that Splunk runs as"
    elif parent.stat().st_uid != os.geteuid():
        yield f"{parent} belongs to another user; run as the user that Splunk runs as"
    beside = home.parent  # Where buckets are built, to be renamed into their place.
    if home.exists() and not os.access(beside, os.W_OK):
        yield f"{beside} cannot be written by this user, and buckets are built there"
    elif home.exists() and beside.stat().st_dev != home.stat().st_dev:
        yield f"{home} is a disk of its own, and buckets are built beside it; mount its parent"


def _volume(world: World, index: Index, said: str) -> Iterator[str]:
    """The place that was named must be the one that Splunk uploads to."""
    if not index.remote_path.startswith("volume:"):
        return
    name = index.remote_path.removeprefix("volume:").partition("/")[0]
    assert world.splunk is not None
    try:
        path = world.drive.call(world.splunk.volume(name))
    except StoreError:
        return
    if path and said and path.rstrip("/") != said.rstrip("/"):
        yield f"uploads to {path}, not to {said}"
