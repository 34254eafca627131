"""What a person can do about a cause, in one sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from bucketline import errors
from bucketline.errors import Remedy, StoreError

_OF_CAUSE = {
    "Away": "Run again when the endpoint is back: the run was ended while it was down.",
    "BadCredentials": "Check the access key and the secret of this remote.",
    "BadListing": "The store lists its keys wrongly; run `bucketline doctor` on it.",
    "BadRequest": "Look at the message; if it makes no sense, report it with the request id.",
    "Broken": "Run again; if it stays, look at the network between here and the store.",
    "BucketDenied": "Allow this identity to list the bucket and to use its objects.",
    "Busy": "Run again later or with fewer --workers: the store asks for less.",
    "Changed": "Run again when nobody writes the object: it changed while it was read.",
    "ClockSkew": "Set this machine's clock.",
    "Conflict": "Somebody else wrote the object meanwhile; look at it, then run again.",
    "Damaged": "Repair it: `bucketline runs errors RUN -o FILE`, then"
    " `bucketline sync SOURCE TARGET --compare checksum --only FILE`.",
    "Denied": "Allow this identity to read it at the source and to write it at the target.",
    "ExpiredCredentials": "Renew the session (for example: log in again), then run again.",
    "HeldBack": "Cure the other failures and run again: deletes wait until all is copied.",
    "Mismatch": "Run again; if it stays, a disk or a network on the way damages bytes.",
    "Missing": "Nothing, if it was deleted on purpose; else run the sync again.",
    "NeedsThaw": "Thaw it: `bucketline thaw LOCATION`; run again when that is done.",
    "NoBucket": "Create the bucket or correct its name.",
    "NoRoom": "Make room at the target, then run again.",
    "NotFound": "Nothing, if it was deleted on purpose; the next run looks anew.",
    "ServerFault": "Run again later; if it stays, tell the store's operator the request id.",
    "Stale": "Save a new plan and look at it: this object is no longer as the old one says.",
    "Thawing": "Run again when the archive has had its time; --wait does so by itself.",
    "TooLarge": "Exclude it, or choose a target that takes objects of this size.",
    "Unholdable": "Exclude it, rename it, or choose a target that can hold such a key.",
    "Unreachable": "Check the endpoint's address and that it can be reached from here.",
    "Unsupported": "Choose other options: this store does not know the operation.",
    "Untrusted": "Give the CA that signed the server's certificate as ca_bundle.",
}
_OF_REMEDY = {
    Remedy.RETRY: "Run again.",
    Remedy.WAIT: "Run again later.",
    Remedy.GIVE_UP: "Look at the message; running again alone will not help.",
    Remedy.STOP: "Cure what the message says, then run again.",
}


def remedy_of(cause: str) -> str:
    """The sentence for a cause, as outcomes name it."""
    if cause in _OF_CAUSE:
        return _OF_CAUSE[cause]
    known = getattr(errors, cause, None)
    if isinstance(known, type) and issubclass(known, StoreError):
        return _OF_REMEDY[known.remedy]
    return "This is a bug of bucketline; please report it with the message."


def causes() -> Iterator[str]:
    """Every cause that a store can name."""
    return (
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, StoreError) and one is not StoreError
    )
