"""The bucket itself: is it there, make it, its settings; and asking for an archived object."""

from __future__ import annotations

from base64 import b64encode
from enum import Enum
from hashlib import md5
from typing import NamedTuple
from xml.etree.ElementTree import Element

from bucketline.errors import Broken, Conflict, NeedsThaw, NotFound, Unsupported
from bucketline.stores.base import Answer, Flow
from bucketline.stores.beyond import Thawing
from bucketline.stores.s3.answers import refusal
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.markup import Torn, name_of, tree
from bucketline.stores.s3.sign import encoded_query


class Versioning(Enum):
    """Whether a bucket keeps old versions."""

    NEVER = ""
    ENABLED = "Enabled"
    SUSPENDED = "Suspended"


class Lock(NamedTuple):
    """A bucket's object lock, and what new objects get by default ("" and 0 = nothing)."""

    mode: str = ""  # GOVERNANCE or COMPLIANCE.
    days: int = 0
    years: int = 0


_BY_OTHERS = {"VersioningConfiguration": "GetBucketVersioningResponse"}  # moto


def head_bucket(client: Client) -> Flow[str]:
    """The bucket's region. Raises `NoBucket`, `BucketDenied`."""
    answer = yield from client.send(Call("HEAD", None, "HEAD"))
    return answer.headers.get("x-amz-bucket-region", "") or client.place.region


def create_bucket(client: Client, *, lock: bool = False) -> Flow[None]:
    """Make the bucket; ours already is a success. `lock` cannot be added later."""
    client.need_bucket("be made here")
    body = b""
    if client.is_aws and client.place.region != "us-east-1":
        region = f"<LocationConstraint>{client.place.region}</LocationConstraint>"
        body = f"<CreateBucketConfiguration>{region}</CreateBucketConfiguration>".encode()
    headers = {"x-amz-bucket-object-lock-enabled": "true"} if lock else {}
    answer = yield from client.exchange(Call("PUT", None, "PUT", "", headers, body))
    code = refusal(answer).code if answer.status >= 300 else ""
    if code == "BucketAlreadyExists" and not client.is_aws:
        yield from head_bucket(client)  # Small servers call our own so, too.
    elif answer.status >= 300 and code != "BucketAlreadyOwnedByYou":
        raise client.error(answer)


def get_location(client: Client) -> Flow[str]:
    """The region as the service names it."""
    root = yield from _told(client, "location", "LocationConstraint")
    named = (root.text or "").strip()
    return {"": "us-east-1", "EU": "eu-west-1"}.get(named, named)


def get_versioning(client: Client) -> Flow[Versioning]:
    client.need_bucket("tell the bucket's versioning")
    root = yield from _told(client, "versioning", "VersioningConfiguration")
    return Versioning(root.findtext("{*}Status", ""))


def set_versioning(client: Client, *, enabled: bool) -> Flow[None]:
    wanted = Versioning.ENABLED if enabled else Versioning.SUSPENDED
    yield from get_versioning(client)  # A server that ignores the word must not get the other call.
    text = f"<Status>{wanted.value}</Status>"
    yield from _put(
        client, "versioning", f"<VersioningConfiguration>{text}</VersioningConfiguration>"
    )
    if (yield from get_versioning(client)) is not wanted:
        raise Unsupported("the server does not keep the setting of versioning", store=client.name)


def get_lock(client: Client) -> Flow[Lock | None]:
    """The bucket's object lock; None when it has none."""
    client.need_bucket("tell the bucket's object lock")
    try:
        root = yield from _told(client, "object-lock", "ObjectLockConfiguration")
    except NotFound:
        return None
    if root.findtext("{*}ObjectLockEnabled") != "Enabled":
        return None
    rule = "{*}Rule/{*}DefaultRetention/{*}"
    days, years = root.findtext(rule + "Days", "0"), root.findtext(rule + "Years", "0")
    return Lock(root.findtext(rule + "Mode", ""), int(days), int(years))


def set_lock(client: Client, lock: Lock) -> Flow[None]:
    """What new objects get by default; the bucket must have been made with `lock`."""
    if (yield from get_lock(client)) is None:
        raise Conflict("the bucket was made without object lock", store=client.name)
    length = f"<Days>{lock.days}</Days>" if lock.days else f"<Years>{lock.years}</Years>"
    default = f"<DefaultRetention><Mode>{lock.mode}</Mode>{length}</DefaultRetention>"
    rule = f"<Rule>{default}</Rule>" if lock.mode else ""
    enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>"
    text = f"<ObjectLockConfiguration>{enabled}{rule}</ObjectLockConfiguration>"
    yield from _put(client, "object-lock", text)


def restore_object(
    client: Client, key: str, *, days: int, speed: str = "Standard", version: str = ""
) -> Flow[Thawing]:
    """Ask for an archived object to be readable for `days` (0: in a tier that takes none)."""
    for_days = f"<Days>{days}</Days>" if days else ""
    tier = f"<GlacierJobParameters><Tier>{speed}</Tier></GlacierJobParameters>"
    body = f"<RestoreRequest>{for_days}{tier}</RestoreRequest>".encode()
    pairs = {"restore": "", "versionId": version} if version else {"restore": ""}
    call = Call("POST", key, "POST", encoded_query(pairs), _digest(body), body)
    answer = yield from client.exchange(call)
    code = refusal(answer).code if answer.status >= 300 else ""
    if answer.status == 202:
        return Thawing.ASKED
    if answer.status == 200 or code == "ObjectAlreadyInActiveTierError":
        return Thawing.READY
    if code == "RestoreAlreadyInProgress":
        return Thawing.UNDER_WAY
    if code == "GlacierExpeditedRetrievalNotAvailable":
        return Thawing.NO_ROOM
    error = client.error(answer, key)
    if isinstance(error, NeedsThaw):
        raise Conflict("the object is in no archive tier", store=client.name, key=key)
    raise error


def _told(client: Client, about: str, name: str) -> Flow[Element]:
    """The bucket's answer about one of its settings; anything else means it does not know it."""
    answer: Answer = yield from client.send(Call("GET", None, "GET", f"{about}="))
    try:
        root = tree(answer.body)
    except Torn:
        raise Broken(f"the answer about {about} broke off", store=client.name) from None
    if name_of(root) not in {name, _BY_OTHERS.get(name)}:
        raise Unsupported(f"the server does not know {about}", store=client.name)
    return root


def _put(client: Client, about: str, text: str) -> Flow[None]:
    body = text.encode()
    yield from client.send(Call("PUT", None, "PUT", f"{about}=", _digest(body), body))


def _digest(body: bytes) -> dict[str, str]:
    return {"content-md5": b64encode(md5(body, usedforsecurity=False).digest()).decode()}
