"""Whole objects and ranges of them: ask, read, write, copy, delete."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import quote

from bucketline.arns import Kind, access_point
from bucketline.errors import (
    Broken,
    Changed,
    Conflict,
    NoBucket,
    NotFound,
    ServerFault,
    StoreError,
    Unsupported,
)
from bucketline.model import PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.base import Answer, Flow, Piece, Receipt
from bucketline.stores.s3.answers import is_error, refusal
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.headers import found, receipt, to_headers
from bucketline.stores.s3.sign import encoded_path, encoded_query
from bucketline.stores.s3.sums import headers_of, send_checked
from bucketline.stores.s3.tagging import prove_tags, send_with_tags

_DEVICE = "AWSSnowball"  # Its adapter deletes the object of a name when one in parts begins.
_LARGE = 1 << 20  # A body's memory is then worth to be used again.
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)").fullmatch
_ASKING = {"x-amz-checksum-mode": "ENABLED"}


def stat(client: Client, key: str, *, version: str = "") -> Flow[Found]:
    answer = yield from _head(client, Call("HEAD", key, "HEAD", of_version(version)))
    if client.able.begin_keeps_object is None and answer.headers.get("server") == _DEVICE:
        client.learn(begin_keeps_object=False)
    there = found(key, answer.headers, int(answer.headers.get("content-length", 0)))
    if there.checksums:
        client.tells_checksums = True
    return there


def _head(client: Client, call: Call) -> Flow[Answer]:
    """Some edge devices refuse headers that they do not know: they are asked for the rest alone."""
    if client.tells_checksums is not None:
        try:
            return (yield from client.send(call._replace(headers=_ASKING)))
        except Unsupported:
            if client.is_aws:
                raise
    answer = yield from client.send(call)
    client.tells_checksums = None
    return answer


def read(
    client: Client, key: str, *, start: int, size: int | None, version: str, etag: str
) -> Flow[Piece]:
    if size == 0:
        whole = yield from stat(client, key, version=version)
        return _checked(client, Piece(whole, b""), etag)
    headers = {}
    if start or size is not None:
        last = "" if size is None else start + size - 1
        headers["range"] = f"bytes={start}-{last}"
    elif client.asks_checksums:  # Of a range, it would be the range's.
        headers.update(_ASKING)
    if etag:
        headers["if-match"] = f'"{etag}"'
    is_large = size is not None and size > _LARGE
    call = Call("GET", key, "GET", of_version(version), headers, is_large=is_large)
    answer = yield from client.exchange(call)
    is_part = answer.status == 206 or "content-range" in answer.headers  # `rclone serve`: a 200.
    if answer.status in {200, 206} and is_part and headers:
        return _checked(client, _piece(client, key, answer, start, size), etag)
    if answer.status == 200:
        return _checked(client, _whole(client, key, answer, start, size), etag)
    if answer.status == 416:
        return (yield from _past_the_end(client, key, start, version, etag))
    if answer.status in {304, 412}:
        raise Changed("the object changed since it was listed", store=client.name, key=key)
    raise client.error(answer, key)


def write(
    client: Client,
    key: str,
    body: bytes,
    *,
    attributes: Attributes,
    md5: bytes,
    checksum: Checksum | None,
    if_absent: bool,
) -> Flow[Receipt]:
    headers = yield from headers_of(client, body, md5, checksum)
    if attributes is not PLAIN:
        headers.update(to_headers(attributes))
    if if_absent:
        yield from _expect_absent(client, key)
        headers["if-none-match"] = "*"
    call = Call("PUT", key, "PUT", "", headers, body, is_bound=True)
    if checksum is None and not attributes.tags:
        answer = yield from client.send(call)
    elif checksum is None:
        answer = yield from send_with_tags(client, call, attributes.tags)
    else:
        send = partial(send_with_tags, client, wanted=attributes.tags)
        answer = yield from send_checked(client, call, checksum, send)
    told = received(client, key, answer)
    if attributes.tags and not client.knows_tags:
        yield from prove_tags(client, key, attributes.tags)
    return told


def copy(
    client: Client, key: str, source: Source, *, attributes: Attributes | None
) -> Flow[Receipt]:
    """CopyObject: `attributes` replace those of the source; without, they are taken over."""
    headers = source.headers()
    if attributes is not None:
        headers.update(to_headers(attributes))
        headers["x-amz-metadata-directive"] = "REPLACE"
        headers["x-amz-tagging-directive"] = "REPLACE"
    answer = yield from client.send(Call("PUT", key, "POST", "", headers))
    return copied(client, key, answer)


def delete(client: Client, key: str, *, version: str = "") -> Flow[None]:
    answer = yield from client.exchange(Call("DELETE", key, "DELETE", of_version(version)))
    if answer.status < 300:
        return
    error = client.error(answer, key)
    if isinstance(error, NotFound) and not isinstance(error, NoBucket):
        return
    raise error


class Source:
    """What a copy within the service reads: an object of any bucket that the keys may read."""

    def __init__(self, bucket: str, entry: Entry, *, check_etag: bool = True) -> None:
        self.bucket = bucket
        self.entry = entry
        self.check_etag = check_etag

    def headers(self) -> dict[str, str]:
        point = access_point(self.bucket)
        if point is not None and point.kind is Kind.MULTI_REGION:
            raise Unsupported(f"{point}: the service copies nothing from a {point.kind.value}")
        bucket = f"{point}/object" if point else f"/{self.bucket}"
        place = f"{quote(bucket, safe='/')}/{encoded_path(self.entry.key)}"
        if self.entry.version:
            place += f"?versionId={quote(self.entry.version, safe='~')}"
        headers = {"x-amz-copy-source": place}
        if self.check_etag and self.entry.etag:
            headers["x-amz-copy-source-if-match"] = f'"{self.entry.etag}"'
        return headers


COPY_ETAG = re.compile(rb"<ETag>(?:&quot;|&#34;|\")?([^<&\"]+)")


def received(client: Client, key: str, answer: Answer) -> Receipt:
    """The receipt of a write; a 200 may hold an error instead."""
    if answer.body and is_error(answer.body):
        raise failure_within(client, key, answer)
    return receipt(answer.headers)


def copied(client: Client, key: str, answer: Answer) -> Receipt:
    """The receipt of a copy, whose ETag is in the body; a 200 may hold an error instead."""
    if is_error(answer.body):
        raise failure_within(client, key, answer)
    told = COPY_ETAG.search(answer.body)
    if not told and not answer.body:  # Taken for an upload of nothing, by servers without copies.
        raise Unsupported("the server does not copy", store=client.name, key=key)
    if not told:
        raise Broken("the answer to a copy broke off", store=client.name, key=key)
    return receipt({**answer.headers, "etag": told[1].decode()})


def failure_within(client: Client, key: str, answer: Answer) -> StoreError:
    """The error in the body of a 200."""
    status = 412 if refusal(answer).code == "PreconditionFailed" else 500
    return client.error(answer._replace(status=status), key)


def of_version(version: str) -> str:
    return encoded_query({"versionId": version}) if version else ""


def _expect_absent(client: Client, key: str) -> Flow[None]:
    """Look first where the server may ignore the condition, as many do."""
    if client.able.conditional_write:
        return
    try:
        yield from stat(client, key)
    except NotFound:
        return
    raise Conflict("there is an object of that name already", store=client.name, key=key)


def _checked(client: Client, piece: Piece, etag: str) -> Piece:
    """Some servers ignore If-Match: what they send says which object it is."""
    told = piece.found.entry.etag
    if etag and told and told != etag:
        key = piece.found.entry.key
        raise Changed("the object changed since it was listed", store=client.name, key=key)
    return piece


def _whole(client: Client, key: str, answer: Answer, start: int, size: int | None) -> Piece:
    """An answer with all bytes, also from a server that does not know ranges."""
    body = answer.body
    length = int(answer.headers.get("content-length", len(body)))
    if length != len(body):
        raise _short(client, key, len(body), length)
    whole = found(key, answer.headers, length)
    end = None if size is None else start + size
    return Piece(whole, body[start:end] if start or end is not None else body)


def _piece(client: Client, key: str, answer: Answer, start: int, size: int | None) -> Piece:
    told = _RANGE(answer.headers.get("content-range", ""))
    if not told:
        raise ServerFault("a range came without saying which", store=client.name, key=key)
    first, last, total = int(told[1]), int(told[2]), int(told[3])
    end = total if size is None else min(start + size, total)
    if first != start or last != end - 1:
        raise Broken(
            f"bytes {first}-{last} came, not {start}-{end - 1}", store=client.name, key=key
        )
    if len(answer.body) != end - start:
        raise _short(client, key, len(answer.body), end - start)
    return Piece(found(key, answer.headers, total), answer.body)


def _past_the_end(client: Client, key: str, start: int, version: str, etag: str) -> Flow[Piece]:
    """416: there is nothing at `start`, which is no error at the object's end."""
    whole = yield from stat(client, key, version=version)
    piece = _checked(client, Piece(whole, b""), etag)
    if start < whole.entry.size:
        raise Changed("the object changed while it was read", store=client.name, key=key)
    return piece


def _short(client: Client, key: str, came: int, promised: int) -> Broken:
    return Broken(f"{came} bytes came of {promised}", store=client.name, key=key)
