"""What the end of an exchange says of the endpoint: it works, it has too much to do, it is ill."""

from __future__ import annotations

from enum import Enum

from bucketline.errors import Broken, StoreError, Unreachable, Untrusted
from bucketline.stores.base import Answer

_LOAD = (429, 503)
_NOT_ILL = (501, 505, 507)  # It knows what it cannot do, or has no room.


class Blame(Enum):
    """How an endpoint is judged by one exchange."""

    NONE = "none"  # Whatever it said of the object: it speaks.
    LOAD = "load"  # It asks for less.
    FAULT = "fault"
    FINAL = "final"  # A fault that no second exchange needs to confirm.


def blame_of(answer: Answer) -> Blame:
    """By an answer of 300 and more; what it says of objects is no fault of the endpoint."""
    status = answer.status
    if status in _LOAD:
        # A load balancer with nothing behind it has words for people, and no code.
        is_lost = status == 503 and bool(answer.body) and b"<Code>" not in answer.body
        return Blame.FAULT if is_lost else Blame.LOAD
    if status in (407, 408) or (status == 400 and b"<Code>RequestTimeout" in answer.body):
        return Blame.FAULT  # Bodies vanish on the way, or the proxy on the way refuses.
    return Blame.FAULT if status >= 500 and status not in _NOT_ILL else Blame.NONE


def blame_for(error: StoreError) -> Blame:
    """By what happened instead of an answer."""
    if isinstance(error, Untrusted):
        return Blame.FINAL
    return Blame.FAULT if isinstance(error, Unreachable | Broken) else Blame.NONE
