"""Tags of an object, spoken of only with servers that are known to know them.

A server that ignores `?tagging` takes the call for one about the object: setting tags would replace
its bytes, clearing them delete it. So a reading call that answers with tags comes before.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import md5
from html import escape

from bucketline.errors import NotFound, Unholdable, Unsupported
from bucketline.model import NOTHING
from bucketline.stores.base import Answer, Flow
from bucketline.stores.s3.answers import refusal
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.markup import Torn, text, tree
from bucketline.stores.s3.sign import encoded_query

# Who takes the question for one about the object would answer with all of it.
A_LITTLE = {"range": "bytes=0-65535"}


def tags(client: Client, key: str, *, version: str = "") -> Flow[dict[str, str]]:
    headers = NOTHING if client.knows_tags else A_LITTLE
    answer = yield from client.exchange(Call("GET", key, "TAG", _query(version), headers))
    if refusal(answer).code == "NoSuchTagSet":
        return {}
    if answer.status >= 300:
        raise client.error(answer, key)
    found = _parsed(answer)
    if found is None:
        if not client.knows_tags:
            client.learn(tags=False)
        raise Unsupported("the server does not know tags", store=client.name, key=key)
    if not client.knows_tags:
        client.knows_tags = True
        client.learn(tags=True)
    return found


def set_tags(
    client: Client, key: str, wanted: Mapping[str, str], *, version: str = ""
) -> Flow[None]:
    yield from _expect_tags(client, key, version)
    items = "".join(
        f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>"
        for name, value in wanted.items()
    )
    body = f"<Tagging><TagSet>{items}</TagSet></Tagging>".encode()
    headers = {"content-md5": b64encode(md5(body, usedforsecurity=False).digest()).decode()}
    yield from client.send(Call("PUT", key, "TAG", _query(version), headers, body))


def clear_tags(client: Client, key: str, *, version: str = "") -> Flow[None]:
    yield from _expect_tags(client, key, version)
    yield from client.send(Call("DELETE", key, "TAG", _query(version)))


def prove_tags(client: Client, key: str, wanted: Mapping[str, str]) -> Flow[None]:
    """A write with tags succeeded: look whether the server kept them.

    Some keep none that come with the beginning of an upload, and all that are set afterwards.
    """
    try:
        kept = yield from tags(client, key)
        if kept != wanted:
            yield from set_tags(client, key, wanted)
            kept = yield from tags(client, key)
    except (Unsupported, NotFound):
        kept = {}
    if kept != wanted:
        raise _without_tags(client, key)


def send_with_tags(client: Client, call: Call, wanted: Mapping[str, str]) -> Flow[Answer]:
    """As `client.send`; `wanted` are the tags in the call's headers."""
    try:
        return (yield from client.send(call))
    except Unsupported:
        if not wanted or client.knows_tags:
            raise
    raise _without_tags(client, call.key or "")


def _without_tags(client: Client, key: str) -> Unholdable:
    """The server has shown that it keeps no tags: from here on nobody needs to try."""
    client.learn(tags=False)
    return Unholdable("the server does not keep tags", store=client.name, key=key)


def _expect_tags(client: Client, key: str, version: str) -> Flow[None]:
    if not client.knows_tags:
        yield from tags(client, key, version=version)


def _query(version: str) -> str:
    return encoded_query({"tagging": "", "versionId": version} if version else {"tagging": ""})


def _parsed(answer: Answer) -> dict[str, str] | None:
    """The tags; None when this is not an answer about tags at all."""
    is_xml = "xml" in answer.headers.get("content-type", "")
    if not answer.body and is_xml and "etag" not in answer.headers:
        return {}  # By radosgw 16, of tags that came with the beginning of an upload or a copy.
    if b"<Tagging" not in answer.body[:200] or "etag" in answer.headers:
        return None  # Not even when the object's own bytes look like tags.
    try:
        root = tree(answer.body)
    except Torn:
        return None
    return {text(tag, "Key"): text(tag, "Value") for tag in root.iterfind(".//{*}Tag")}
