"""Who may do what with an object, and how long it is locked; spoken of only where both are known.

A server that ignores `?acl` or `?retention` takes a write to it for one of the object: its bytes
would be gone. So a reading call that answers to the point comes before.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5
from xml.etree.ElementTree import Element

from bucketline.errors import Unsupported
from bucketline.model import NOTHING
from bucketline.stores.base import Answer, Flow
from bucketline.stores.beyond import Access
from bucketline.stores.s3.answers import refusal
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.markup import Torn, name_of, named, text, tree
from bucketline.stores.s3.sign import encoded_query
from bucketline.stores.s3.tagging import A_LITTLE

_MODE, _UNTIL = "object-lock-mode", "object-lock-retain-until-date"
_HOLD = "object-lock-legal-hold"
_NO_LOCK = ("NoSuchObjectLockConfiguration", "ObjectLockConfigurationNotFoundError")
_GROUP = "http://acs.amazonaws.com/groups/global/"
_CANNED = {
    frozenset[tuple[str, str]](): "private",
    frozenset({("AllUsers", "READ")}): "public-read",
    frozenset({("AllUsers", "READ"), ("AllUsers", "WRITE")}): "public-read-write",
    frozenset({("AuthenticatedUsers", "READ")}): "authenticated-read",
}


def access(client: Client, key: str, *, version: str = "") -> Flow[Access]:
    """The object's ACL. Raises `Unsupported` where there is none."""
    root = None
    if client.knows_acl is not False:
        headers = NOTHING if client.knows_acl else A_LITTLE
        call = Call("GET", key, "TAG", _query("acl", version), headers)
        answer = yield from client.send(call)
        root = _about(answer, "AccessControlPolicy")
    if root is None:
        client.knows_acl = False
        raise Unsupported("the server does not know ACLs", store=client.name, key=key)
    client.knows_acl = True
    return _access(root)


def set_acl(client: Client, key: str, canned: str, *, version: str = "") -> Flow[None]:
    if not client.knows_acl:
        yield from access(client, key, version=version)
    yield from client.send(Call("PUT", key, "TAG", _query("acl", version), {"x-amz-acl": canned}))


def lock_object(
    client: Client, key: str, protection: Mapping[str, str], *, version: str = ""
) -> Flow[None]:
    """The retention and the legal hold that `protection` names; nothing else is touched."""
    if protection and not client.knows_locks:
        yield from _expect_locks(client, key, version)
    if _UNTIL in protection:
        told = f"<Mode>{protection[_MODE]}</Mode>"
        told += f"<RetainUntilDate>{protection[_UNTIL]}</RetainUntilDate>"
        yield from _put(client, key, "retention", f"<Retention>{told}</Retention>", version)
    if _HOLD in protection:
        told = f"<LegalHold><Status>{protection[_HOLD]}</Status></LegalHold>"
        yield from _put(client, key, "legal-hold", told, version)


def _expect_locks(client: Client, key: str, version: str) -> Flow[None]:
    """The server answers to one of both, if only that there is none on this object."""
    for about, name in (("retention", "Retention"), ("legal-hold", "LegalHold")):
        call = Call("GET", key, "TAG", _query(about, version), A_LITTLE)
        answer = yield from client.exchange(call)
        is_told = answer.status < 300 and _about(answer, name) is not None
        if is_told or refusal(answer).code in _NO_LOCK:
            client.knows_locks = True
            return
    raise Unsupported("the server does not know object locks", store=client.name, key=key)


def _put(client: Client, key: str, about: str, told: str, version: str) -> Flow[None]:
    body = told.encode()
    digest = b64encode(md5(body, usedforsecurity=False).digest()).decode()
    call = Call("PUT", key, "TAG", _query(about, version), {"content-md5": digest}, body)
    yield from client.send(call)


def _about(answer: Answer, name: str) -> Element | None:
    """The answer, if it is one of that name; an object's own bytes come with an ETag."""
    if "etag" in answer.headers:
        return None
    try:
        root = tree(answer.body)
    except Torn:
        return None
    return root if name_of(root) == name else None


def _access(root: Element) -> Access:
    owners = named(root, "Owner")
    owner = text(owners[0], "ID") if owners else ""
    groups, others = set(), 0
    for granted in root.iterfind("{*}AccessControlList/{*}Grant"):
        permission = text(granted, "Permission")
        who = named(granted, "Grantee")
        group = text(who[0], "URI") if who else ""
        if group.startswith(_GROUP):
            groups.add((group.removeprefix(_GROUP), permission))
        elif not who or text(who[0], "ID") != owner:
            others += 1
    canned = _CANNED.get(frozenset(groups))
    return Access("private", others + len(groups)) if canned is None else Access(canned, others)


def _query(about: str, version: str) -> str:
    return encoded_query({about: "", "versionId": version} if version else {about: ""})
