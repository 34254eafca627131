"""What some stores can tell or use beyond the contract."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple, Protocol, cast

from bucketline.errors import StoreError, Unsupported, printable
from bucketline.model import Attributes, Entry, Found
from bucketline.settings import Remote
from bucketline.stores.base import Flow, Receipt, Store


class EndpointCount(NamedTuple):
    """What one endpoint of a store did so far."""

    endpoint: str  # Its URL; with the address that is sent from where that is given.
    requests: int
    faults: int  # No answer, or one that says that the endpoint itself is ill.
    bytes_read: int
    bytes_written: int
    times_opened: int  # How often it was found to be down …
    seconds_open: float  # … and for how long, all in all.


class Remembering(Protocol):
    """A store that does not know its etags by itself; its entries bear stamps."""

    def remember(self, entry: Entry, etag: str) -> None:
        """The bytes that were read of `entry` have this etag: listings tell it from now on."""


def remember(store: Store, entry: Entry, etag: str) -> None:
    """Whoever has read and hashed all of `entry` tells its store, if that can use it."""
    if entry.stamp:
        cast("Remembering", store).remember(entry, etag)


def first_part(store: Store, entry: Entry) -> Flow[int]:
    """The size of the first part of an object that was written in parts; 0 = nobody tells."""
    ask = getattr(store, "first_part", None)
    if ask is None or "-" not in entry.etag:
        return 0
    size: int = yield from ask(entry)
    return size


def held_part(store: Store, key: str, upload: str, number: int) -> Flow[bytes]:
    """A part of an upload, out of a store that vouches for it."""
    body: bytes = yield from cast("Any", store).held_part(key, upload, number)
    return body


class Version(NamedTuple):
    """One version of an object, or the mark of its deletion."""

    entry: Entry
    is_latest: bool
    is_delete_marker: bool


class VersionPage(NamedTuple):
    """A stretch of a listing of versions. It has ended only when `token` is empty."""

    versions: list[Version]
    token: str


def page_of_versions(store: Store, prefix: str = "", token: str = "") -> Flow[VersionPage]:
    """Every version and delete marker under `prefix`. Raises `Unsupported` where there are none."""
    ask = getattr(store, "versions", None)
    if ask is None:
        raise Unsupported("there are no versions there", store=store.name)
    return cast("VersionPage", (yield from ask(prefix, token=token)))


class Access(NamedTuple):
    """Who may do what with an object."""

    canned: str = "private"  # The canned ACL that says the same, but for:
    other_grants: int = 0  # Grants that none can say, to accounts for instance.


def access(store: Store, key: str, *, version: str = "") -> Flow[Access]:
    """Raises `Unsupported` where objects have no ACL."""
    ask = getattr(store, "access", None)
    if ask is None:
        raise Unsupported("objects have no ACL there", store=store.name, key=key)
    return cast("Access", (yield from ask(key, version=version)))


def settings_of(store: Store) -> Flow[dict[str, Any]]:
    """What is to be known of a bucket to make another one like it; of a folder, nothing."""
    told: dict[str, Any] = {}
    able = cast("Any", store)
    if not hasattr(store, "get_versioning"):
        return told
    try:
        told["versioning"] = (yield from able.get_versioning()).value
        lock = yield from able.get_lock()
    except StoreError:  # Not every server, and not every identity, may tell.
        return told
    return told | ({"lock": lock._asdict()} if lock is not None else {})


def keeps_versions(store: Store) -> Flow[bool]:
    """Whether what is written over or deleted there is kept. Raises where that may not be asked."""
    able = cast("Any", store)
    if not hasattr(store, "get_versioning"):
        return False
    try:
        return bool((yield from able.get_versioning()).value == "Enabled")
    except Unsupported:
        return False
    except StoreError as error:
        error.message = f"its versioning cannot be told: {error.message}"
        raise


def make_bucket(store: Store, told: Mapping[str, Any]) -> Flow[list[str]]:
    """Make it, like the one that `settings_of` told of; what could not be had, in words."""
    able, notes = cast("Any", store), list[str]()
    if not hasattr(store, "create_bucket"):
        raise Unsupported("a folder needs no bucket", store=store.name)
    yield from able.create_bucket(lock="lock" in told)
    try:
        if told.get("versioning") == "Enabled" and "lock" not in told:
            yield from able.set_versioning(enabled=True)
        if told.get("lock"):
            yield from able.set_lock(able.lock_of(told["lock"]))
    except StoreError as error:
        notes.append(f"{store.name}: is not made quite as the source was: {error.message}")
    return notes


def may_put_tags(store: Store) -> bool:
    """Whether objects that are there can be given other tags."""
    return hasattr(store, "set_tags")


def put_tags(store: Store, key: str, wanted: Mapping[str, str]) -> Flow[None]:
    """Give the object these tags and no others. Raises `Unsupported`."""
    able = cast("Any", store)
    if not may_put_tags(store):
        raise Unsupported("objects have no tags there", store=store.name, key=key)
    yield from able.set_tags(key, wanted) if wanted else able.clear_tags(key)


class Thawing(Enum):
    """What came of asking for an archived object."""

    ASKED = "asked"
    UNDER_WAY = "under way"
    READY = "ready"
    NO_ROOM = "no room"  # So fast cannot be had now.


def ask_to_thaw(
    store: Store, key: str, *, days: int, speed: str, version: str = ""
) -> Flow[Thawing]:
    """Ask for an archived object to be readable for `days`. Raises `Unsupported`."""
    ask = getattr(store, "restore_object", None)
    if ask is None:
        said = "it is in an archive tier, and this place cannot be asked for it"
        raise Unsupported(said, store=store.name, key=key)
    of_version = {"version": version} if version else {}
    return cast("Thawing", (yield from ask(key, days=days, speed=speed, **of_version)))


def told_thaws(store: Store) -> dict[str, tuple[bool, float]] | None:
    """Where listings tell from now on whether an object is thawing, and until when it is thawed."""
    tell = getattr(store, "tell_thaws", None)
    return cast("dict[str, tuple[bool, float]] | None", tell() if tell is not None else None)


def retouched(
    store: Store, key: str, attributes: Attributes, there: Found, part_size: int
) -> Flow[Receipt]:
    """Give the object that is `there` (with its tags) these attributes; its bytes stay.

    An object in parts keeps its etag if `part_size` is that of its parts. Raises `Changed` when it
    is another object by now, `Unsupported` where that cannot be done, or is not proven to be safe.
    """
    verb = getattr(store, "retouch", None)
    if verb is None:
        raise Unsupported("attributes cannot be set alone there", store=store.name, key=key)
    return cast("Receipt", (yield from verb(key, attributes, there, part_size=part_size)))


def note(store: Store, **known: bool) -> None:
    """Something has shown of the store's abilities: the next run may know it, too."""
    tell = getattr(store, "note", None)
    if tell is not None:
        tell(**known)


def is_one_service(source: Store, target: Store) -> bool:
    """Whether both are buckets of the same service, to the same identity."""
    one, other = (getattr(store, "remote", None) for store in (source, target))
    return isinstance(one, Remote) and isinstance(other, Remote) and _who(one) == _who(other)


def _who(remote: Remote) -> tuple[object, ...]:
    return frozenset(remote.endpoints), remote.profile, remote.keys, remote.anonymous


def copy_within(
    source: Store, target: Store, key: str, entry: Entry, attributes: Attributes | None
) -> Flow[Receipt]:
    """Have the service of both copy `entry`, pinned. Raises `Conflict` when it is another one."""
    bucket: str = cast("Any", source).bucket
    receipt: Receipt = yield from cast("Any", target).copy(
        key, bucket, entry, attributes=attributes
    )
    return receipt


def copy_part_within(
    source: Store, target: Store, part: tuple[str, str, int], stretch: tuple[Entry, int, int]
) -> Flow[Receipt]:
    """A part (of which key and upload, which number) from a stretch of an object (of which entry,
    from where on, how many bytes).
    """
    entry, start, size = stretch
    place = cast("Any", source).source_of(entry)
    receipt: Receipt = yield from cast("Any", target).copy_part(
        *part, place, start=start, size=size
    )
    return receipt


def refused(store: Store, prefix: str) -> list[tuple[str, str]]:
    """What the last listing of `prefix` met that no key can stand for, as text, and why."""
    found: Mapping[str, str] = getattr(store, "refused", {})
    shown = printable(prefix)  # As the names are: a key made of one fits no object's.
    return sorted(
        (prefix + name.removeprefix(shown), why)
        for name, why in found.items()
        if name.startswith(shown)
    )


def may_lack(store: Store, prefix: str) -> bool:
    """Whether the last listing of `prefix` ended where the server may have cut it in silence."""
    return prefix in getattr(store, "cut_short", ())
