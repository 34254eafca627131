"""Other attributes for an object whose bytes stay: tags, ACL, lock, or all by a copy onto itself.

A server that takes a copy for an upload would leave nothing of the object. So where that is not
known, an object of our own is copied onto itself first, in the same folder, and removed again.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from bucketline.errors import (
    BucketlineError,
    Changed,
    Conflict,
    Denied,
    Mismatch,
    StoreError,
    Unsupported,
)
from bucketline.model import NOTHING, Attributes, Entry, Found
from bucketline.stores.base import Flow, Receipt, Together
from bucketline.stores.beyond import Access
from bucketline.stores.s3 import objects, parts, tagging
from bucketline.stores.s3.access import access, lock_object, set_acl
from bucketline.stores.s3.answers import is_error
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.headers import to_headers
from bucketline.stores.s3.sign import encoded_query

_LOCK = ("object-lock-mode", "object-lock-retain-until-date", "object-lock-legal-hold")
_APART = {"acl", *_LOCK}  # What has calls of its own.
_PARTS_AT_ONCE = 8
_UNTYPED = {"binary/octet-stream", "application/octet-stream", ""}


def retouch(
    client: Client, key: str, wanted: Attributes, there: Found, *, part_size: int
) -> Flow[Receipt]:
    """`there` with `wanted` instead of its attributes, which it has with its tags."""
    entry, has = there.entry, there.attributes
    if _content(wanted) != _content(has):
        return (yield from _anew(client, key, wanted, there, part_size))
    if wanted.tags != has.tags:
        yield from _tags(client, key, wanted)
    yield from _protect(client, key, wanted, has)
    return Receipt(entry.etag, entry.version, there.checksums)


def _content(attributes: Attributes) -> tuple[object, ...]:
    """What only a copy can change."""
    protection = {name: told for name, told in attributes.protection.items() if name not in _APART}
    headers = {
        name: told
        for name, told in attributes.headers.items()
        if name != "content-type" or told not in _UNTYPED
    }
    metadata = {name.lower(): told for name, told in attributes.metadata.items()}
    return headers, metadata, attributes.tier, protection


def _tags(client: Client, key: str, wanted: Attributes) -> Flow[None]:
    if wanted.tags:
        yield from tagging.set_tags(client, key, wanted.tags)
    else:
        yield from tagging.clear_tags(client, key)


def _protect(client: Client, key: str, wanted: Attributes, has: Attributes) -> Flow[None]:
    mine, other = wanted.protection, has.protection
    if "acl" in mine and mine["acl"] != other.get("acl"):
        yield from set_acl(client, key, mine["acl"])
    locks = {name: mine[name] for name in _LOCK if name in mine and mine[name] != other.get(name)}
    if locks.keys() & {*_LOCK[:2]}:
        locks |= {name: mine[name] for name in _LOCK[:2]}
    if locks:
        yield from lock_object(client, key, locks)


def _anew(
    client: Client, key: str, wanted: Attributes, there: Found, part_size: int
) -> Flow[Receipt]:
    """A copy onto itself, which would lose what it is not told: so it is told all."""
    whole = yield from _with_acl(client, key, wanted)
    if not client.copies_in_place:
        yield from _prove_copies(client, key)
    if not client.is_aws:  # Foreign servers heed no condition of a copy.
        before = yield from objects.stat(client, key)
        if before.entry.etag != there.entry.etag:
            raise Changed("it is another object now", store=client.name, key=key)
    told = _without_locks(whole) if client.is_aws else replace(_without_locks(whole), tags=NOTHING)
    if "-" in there.entry.etag:
        receipt = yield from _in_parts(client, key, told, there, part_size)
    else:
        receipt = yield from _copied(client, key, told, there.entry)
    now = yield from objects.stat(client, key)
    is_opaque = there.is_etag_opaque or now.is_etag_opaque
    is_same = now.entry.size == there.entry.size
    if not is_same or (now.entry.etag != there.entry.etag and not is_opaque):
        raise Mismatch("it is another object than before", store=client.name, key=key)
    if not client.is_aws:  # What they make of tags in a copy differs; some lose them for good.
        yield from _settle_tags(client, key, wanted, there, now)
    locks = {name: told for name, told in wanted.protection.items() if name in _LOCK}
    yield from lock_object(client, key, locks)
    return replace(receipt, etag=now.entry.etag, version=now.entry.version)


def _copied(client: Client, key: str, attributes: Attributes, entry: Entry) -> Flow[Receipt]:
    headers = objects.Source(client.bucket, entry).headers() | to_headers(attributes)
    headers["x-amz-metadata-directive"] = "REPLACE"
    if client.is_aws:
        headers["x-amz-tagging-directive"] = "REPLACE"
    answer = yield from client.send(Call("PUT", key, "POST", "", headers))
    if is_error(answer.body):
        raise objects.failure_within(client, key, answer)
    if b"CopyObjectResult" not in answer.body:  # `rclone serve` says no more than that.
        raise Unsupported("the server does not copy", store=client.name, key=key)
    return Receipt(version=answer.headers.get("x-amz-version-id", ""))


def _without_locks(attributes: Attributes) -> Attributes:
    """Locks are set apart: as headers of a copy some servers ignore them, and others want more."""
    protection = attributes.protection
    return replace(
        attributes,
        protection={name: told for name, told in protection.items() if name not in _LOCK},
    )


def _with_acl(client: Client, key: str, wanted: Attributes) -> Flow[Attributes]:
    """With the ACL that it has, unless another is wanted: a copy would make it private."""
    if "acl" in wanted.protection:
        return wanted
    told = Access()
    try:
        told = yield from access(client, key)
    except Denied as error:
        error.message = f"its ACL cannot be read, and a copy would lose it: {error.message}"
        raise
    except StoreError as error:
        if not isinstance(error, Unsupported) and client.is_aws:
            raise
    if told.other_grants:
        raise Conflict(
            "its ACL has grants to accounts, which a copy onto itself would lose; say --acl",
            store=client.name,
            key=key,
        )
    if told.canned == "private":
        return wanted
    return replace(wanted, protection={**wanted.protection, "acl": told.canned})


def _settle_tags(
    client: Client, key: str, wanted: Attributes, there: Found, now: Found
) -> Flow[None]:
    """The copy was not told of tags: it has the old ones, or none."""
    if not client.able.tags or not (wanted.tags or there.attributes.tags or now.tag_count):
        return
    if (yield from tagging.tags(client, key)) != wanted.tags:
        yield from _tags(client, key, wanted)


def _in_parts(
    client: Client, key: str, wanted: Attributes, there: Found, part_size: int
) -> Flow[Receipt]:
    """Parts of the same sizes make the same etag; nothing is finished that would have another."""
    entry = there.entry
    if client.able.begin_keeps_object is False:
        raise Unsupported("to begin an upload deletes the object", store=client.name, key=key)
    told = yield from _size_of_first(client, key)
    size = told or part_size
    upload = yield from parts.begin(client, key, entry.size, attributes=wanted)
    source = objects.Source(client.bucket, entry)
    try:
        flows = [
            parts.copy_part(
                client, key, upload, number, source, start=start, size=min(size, entry.size - start)
            )
            for number, start in enumerate(range(0, entry.size, size), 1)
        ]
        receipts: list[Receipt] = yield Together(flows, width=_PARTS_AT_ONCE)
        etags = [one.etag for one in receipts]
        if not there.is_etag_opaque and parts.expected_etag(etags) != entry.etag:
            raise Unsupported(
                "its parts are of unusual sizes, and its etag would change; copy it anew instead",
                store=client.name,
                key=key,
            )
        now = yield from objects.stat(client, key)
        if now.entry.etag != entry.etag:
            raise Changed("it is another object now", store=client.name, key=key)
        return (yield from parts.finish(client, key, upload, etags))
    except BucketlineError:
        yield from _abandon(client, key, upload)
        raise


def _size_of_first(client: Client, key: str) -> Flow[int]:
    """The size of its first part, where the server tells it; else 0."""
    query = encoded_query({"partNumber": "1"})
    answer = yield from client.exchange(Call("HEAD", key, "HEAD", query))
    if answer.status >= 300 or "x-amz-mp-parts-count" not in answer.headers:
        return 0
    return int(answer.headers.get("content-length", 0))


def _abandon(client: Client, key: str, upload: str) -> Flow[None]:
    try:
        yield from parts.abandon(client, key, upload)
    except BucketlineError:
        return  # The error that brought us here is the one to tell.


def _prove_copies(client: Client, key: str) -> Flow[None]:
    """Whether a copy onto itself leaves the bytes and brings the attributes, on one of our own."""
    scratch = f"{key[: key.rfind('/') + 1]}.bucketline-probe-{secrets.token_hex(6)}"
    before, after = (Attributes(metadata={"probe": word}) for word in ("before", "after"))
    versions = []
    try:
        made = yield from objects.write(
            client, scratch, b"probe", attributes=before, md5=b"", checksum=None, if_absent=False
        )
        versions.append(made.version)
        found = yield from objects.stat(client, scratch)
        copied = yield from _copied(client, scratch, after, found.entry)
        versions.append(copied.version)
        piece = yield from objects.read(client, scratch, start=0, size=None, version="", etag="")
    finally:
        for version in {"", *versions}:
            yield from _remove(client, scratch, version)
    told = piece.found.attributes.metadata.get("probe")
    if (piece.body, piece.found.entry.etag, told) != (b"probe", found.entry.etag, "after"):
        raise Unsupported(
            "the server does not give an object other attributes; it was left as it is",
            store=client.name,
            key=key,
        )
    client.copies_in_place = True


def _remove(client: Client, key: str, version: str) -> Flow[None]:
    try:
        yield from objects.delete(client, key, version=version)
    except StoreError:
        return
