"""An object that stands at the target while an upload is begun over it: some servers delete it."""

from __future__ import annotations

from bucketline.errors import NotFound, Unholdable
from bucketline.flow.move.proof import Learnt
from bucketline.model import Entry
from bucketline.stores.base import Flow, Store
from bucketline.stores.beyond import note


class WouldDelete(Unholdable):
    """To begin would delete the object there, before anything stands in its place."""

    @property
    def cause(self) -> str:
        return "Unholdable"


def look_before(key: str, replaces: Entry | None, target: Store, learnt: Learnt) -> Flow[bool]:
    """Whether to look afterwards; raises `WouldDelete` where there is something to lose.

    A server that is not known to delete is asked only where something was seen to stand.
    """
    keeps = _keeps(target, learnt)
    if keeps or (keeps is None and replaces is None):
        return False
    try:
        yield from target.stat(key)
    except NotFound:
        return False
    if _keeps(target, learnt) is False:  # It may just have said who it is.
        raise WouldDelete(
            "too large for one piece, and this server deletes the object that stands there when one"
            " in parts begins; delete it there if it may go, and run again",
            store=target.name,
            key=key,
        )
    return True


def look_after(key: str, target: Store, learnt: Learnt) -> Flow[None]:
    """What the server does is known from now on."""
    try:
        yield from target.stat(key)
    except NotFound:
        learnt.begin_keeps_object = False
    else:
        learnt.begin_keeps_object = True
    note(target, begin_keeps_object=learnt.begin_keeps_object)


def _keeps(target: Store, learnt: Learnt) -> bool | None:
    known = target.able.begin_keeps_object
    return learnt.begin_keeps_object if known is None else known
