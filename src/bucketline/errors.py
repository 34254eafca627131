"""Causes and their remedies.

BucketlineError
├── UsageError, ConfigError                                   exit 2
├── Refused                                                   exit 7
├── LedgerError, DiskError                                    exit 6
├── Interrupted                                               exit 130 / 143
└── StoreError            .remedy says what to do about it
    ├── retry     Busy, ServerFault, Broken, Unreachable, Mismatch, Changed
    ├── wait      NeedsThaw, Away
    ├── give up   NotFound, Denied, Conflict, Stale, Unholdable, TooLarge, Unsupported, BadRequest
    └── stop      NoBucket, BucketDenied, BadCredentials, ExpiredCredentials, ClockSkew,
                  Untrusted, BadListing, NoRoom, DiskFault
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Remedy(Enum):
    """What to do about an error."""

    RETRY = "retry"  # The same call may succeed in a moment: the Retrying wrapper makes it again.
    WAIT = "wait"  # It will succeed later: the action is WAITING, the next run comes back.
    GIVE_UP = "give up"  # On this action; the others go on.
    STOP = "stop"  # The whole run: every other action would fail alike.


class BucketlineError(Exception):
    """One line for a person: what is wrong, where, what to do. Never a secret in it."""

    exit_code: ClassVar[int] = 1

    @property
    def cause(self) -> str:
        return type(self).__name__


class UsageError(BucketlineError):
    """The words of the command line do not make sense."""

    exit_code = 2


class ConfigError(BucketlineError):
    """The configuration is wrong; the message may hold several lines, one an error."""

    exit_code = 2


class Refused(BucketlineError):
    """We could, but will not: a delete limit, an empty source, a second instance."""

    exit_code = 7


class LedgerError(BucketlineError):
    """The ledger cannot be written, read or trusted."""

    exit_code = 6


class LedgerDamaged(LedgerError):
    """What its file holds makes no sense."""


class DiskError(BucketlineError):
    """A local disk is full, read-only or failing."""

    exit_code = 6


class Interrupted(BucketlineError):
    """A person or the system asked us to stop; the run can be resumed."""

    exit_code = 130


class StoreError(BucketlineError):
    """A store said no, or said nothing."""

    remedy: ClassVar[Remedy] = Remedy.GIVE_UP
    exit_code = 5  # Of one that ends the program; what fails one object ends it with 1.

    def __init__(
        self,
        message: str,
        *,
        store: str = "",
        key: str = "",
        endpoint: str = "",
        request_id: str = "",
        retry_after_seconds: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.store = store
        self.key = key
        self.endpoint = endpoint  # Where the store's name alone does not tell it.
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        place = f"{self.store}{printable(self.key)}"
        request = f"request {self.request_id}" if self.request_id else ""
        asked = ", ".join(filter(None, (self.endpoint, request)))
        said = f"{self.message} ({asked})" if asked else self.message
        return f"{place}: {said}" if place else said


class Busy(StoreError):
    """503 SlowDown, 429: too fast for it."""

    remedy = Remedy.RETRY


class ServerFault(StoreError):
    """500 and its kin, also inside a 200."""

    remedy = Remedy.RETRY


class Broken(StoreError):
    """The connection ended early, stalled or carried damage: the outcome is unknown."""

    remedy = Remedy.RETRY


class Unreachable(StoreError):
    """No connection: name not found, refused, timed out."""

    remedy = Remedy.RETRY


class Mismatch(StoreError):
    """The bytes that arrived are not the bytes that were sent."""

    remedy = Remedy.RETRY
    exit_code = 3


class Changed(StoreError):
    """The source changed while it was read."""

    remedy = Remedy.RETRY


class NeedsThaw(StoreError):
    """The bytes are in an archive tier."""

    remedy = Remedy.WAIT


class Away(StoreError):
    """No endpoint works, and who would have waited for one was told to end."""

    remedy = Remedy.WAIT


class NotFound(StoreError):
    """No such key."""


class Denied(StoreError):
    """Not allowed on this object."""


class Conflict(StoreError):
    """A condition of the request does not hold (412, 409)."""


class Stale(StoreError):
    """The world is no longer as a plan says that it was."""

    exit_code = 7


class Unholdable(StoreError):
    """This store cannot hold this key, or this attribute, by its nature."""


class TooLarge(StoreError):
    """The object is larger than this store takes."""


class Unsupported(StoreError):
    """The server does not know the operation."""


class BadRequest(StoreError):
    """The server calls our request malformed, and trying again will not change its mind."""


class NoBucket(StoreError):
    """No such bucket."""

    remedy = Remedy.STOP


class BucketDenied(StoreError):
    """Not allowed on the bucket."""

    remedy = Remedy.STOP


class BadCredentials(StoreError):
    """The key is unknown or the signature wrong, or there are no credentials at all."""

    remedy = Remedy.STOP


class ExpiredCredentials(StoreError):
    """The session token has expired and could not be renewed."""

    remedy = Remedy.STOP


class ClockSkew(StoreError):
    """This machine's clock and the server's differ too much, and correcting did not help."""

    remedy = Remedy.STOP


class Untrusted(StoreError):
    """The server's TLS certificate is not trusted."""

    remedy = Remedy.STOP


class BadListing(StoreError):
    """A listing is unsorted, endless or broken: nothing may be concluded from it."""

    remedy = Remedy.STOP


class NoRoom(StoreError):
    """The disk or the quota is full."""

    remedy = Remedy.STOP
    exit_code = 6


class DiskFault(StoreError):
    """The disk under a folder is failing, read-only or gone."""

    remedy = Remedy.STOP
    exit_code = 6


def printable(key: str) -> str:
    """A stranger's key as text that cannot move a cursor, break a line or hide its ends."""
    if key.isprintable():
        return key
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in key)
