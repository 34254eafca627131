"""An object in parts: begin, send or copy each part, finish, abandon, and what has been begun."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from hashlib import md5 as md5_of
from html import escape, unescape
from xml.etree.ElementTree import Element

from bucketline.errors import (
    BadRequest,
    Broken,
    NotFound,
    ServerFault,
    StoreError,
    Unsupported,
)
from bucketline.model import PLAIN, Attributes, Checksum, Entry, Found
from bucketline.stores.base import Answer, Flow, OpenUpload, Part, Receipt, Sums
from bucketline.stores.s3.answers import is_error, refusal
from bucketline.stores.s3.client import Begun, Call, Client
from bucketline.stores.s3.headers import from_date, receipt, to_headers
from bucketline.stores.s3.markup import Torn, name_of, named, text, tree
from bucketline.stores.s3.objects import (
    COPY_ETAG,
    Source,
    copied,
    failure_within,
    received,
    stat,
)
from bucketline.stores.s3.pages import from_iso
from bucketline.stores.s3.sign import encoded_query
from bucketline.stores.s3.sums import (
    algorithm_headers,
    checksums_within,
    headers_of,
    part_element,
    whole_headers,
)
from bucketline.stores.s3.tagging import prove_tags, send_with_tags

_UPLOAD = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch
_BEGUN_MAX = 10_000
_PAGES_MAX = 100_000


def begin(
    client: Client, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
) -> Flow[str]:
    headers = to_headers(attributes) | algorithm_headers(algorithm)
    call = Call("POST", key, "PUT", "uploads=", headers, is_once=True)
    answer = yield from send_with_tags(client, call, attributes.tags)
    told = _UPLOAD.search(answer.body)
    if not told:
        raise Broken("the server began no upload", store=client.name, key=key)
    upload = unescape(told[1].decode())
    if len(client.begun) > _BEGUN_MAX:
        client.begun.clear()
    client.begun[upload] = Begun(size, from_date(answer.headers.get("date", "")), attributes.tags)
    return upload


def part(
    client: Client,
    key: str,
    upload: str,
    number: int,
    body: bytes,
    *,
    md5: bytes = b"",
    checksum: Checksum | None = None,
) -> Flow[Receipt]:
    query = encoded_query({"partNumber": str(number), "uploadId": upload})
    headers = yield from headers_of(client, body, md5, checksum)
    answer = yield from client.send(Call("PUT", key, "PUT", query, headers, body, is_bound=True))
    return received(client, key, answer)


def copy_part(
    client: Client, key: str, upload: str, number: int, source: Source, *, start: int, size: int
) -> Flow[Receipt]:
    headers = source.headers()
    headers["x-amz-copy-source-range"] = f"bytes={start}-{start + size - 1}"
    query = encoded_query({"partNumber": str(number), "uploadId": upload})
    answer = yield from client.send(Call("PUT", key, "POST", query, headers))
    return copied(client, key, answer)


def finish(
    client: Client, key: str, upload: str, etags: Sequence[str], *, sums: Sums | None = None
) -> Flow[Receipt]:
    items = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>&quot;{escape(etag)}&quot;</ETag>"
        f"{part_element(sums, number)}</Part>"
        for number, etag in enumerate(etags, 1)
    )
    body = f"<CompleteMultipartUpload>{items}</CompleteMultipartUpload>".encode()
    query = encoded_query({"uploadId": upload})
    call = Call("POST", key, "PUT", query, whole_headers(client, sums), body)
    answer = yield from client.exchange(call)
    if answer.status >= 300 or is_error(answer.body.lstrip()):
        error = _refused(client, key, answer)
        if not isinstance(error, NotFound | ServerFault):
            raise error
        done = yield from _finished_already(client, key, upload, etags, error)
    else:
        done = yield from _finished(client, key, answer)
    begun = client.begun.pop(upload, None)
    if begun and begun.tags and not client.knows_tags:
        yield from prove_tags(client, key, begun.tags)
    return done


def abandon(client: Client, key: str, upload: str) -> Flow[None]:
    call = Call("DELETE", key, "DELETE", encoded_query({"uploadId": upload}))
    answer = yield from client.exchange(call)
    client.begun.pop(upload, None)
    if answer.status >= 300:
        error = client.error(answer, key)
        if not isinstance(error, NotFound):
            raise error


def list_parts(client: Client, key: str, upload: str) -> Flow[list[Part]]:
    """What the server holds of an upload, in order."""
    parts: list[Part] = []
    marker = "0"
    for _ in range(_PAGES_MAX):
        query = encoded_query({"uploadId": upload, "part-number-marker": marker})
        answer = yield from client.exchange(Call("GET", key, "LIST", query))
        root = _parts_page(client, key, answer)
        for item in named(root, "Part"):
            number, size = int(text(item, "PartNumber")), int(text(item, "Size"))
            parts.append(Part(number, size, text(item, "ETag").strip('"')))
        following = text(root, "NextPartNumberMarker")
        if text(root, "IsTruncated") != "true" or not _goes_on(following, marker):
            break
        marker = following
    return sorted(parts)


def _parts_page(client: Client, key: str, answer: Answer) -> Element:
    """A server that does not know the question answers with the object, or that there is none."""
    if answer.status >= 300:
        error = client.error(answer, key)
        is_of_object = isinstance(error, NotFound) and refusal(answer).code != "NoSuchUpload"
        if is_of_object or isinstance(error, Unsupported | BadRequest):
            client.learn(lists_parts=False)
            raise Unsupported("the server does not list parts", store=client.name, key=key)
        raise error
    if b"<ListParts" not in answer.body[:1000]:
        client.learn(lists_parts=False)
        raise Unsupported("the server does not list parts", store=client.name, key=key)
    return _tree(client, key, answer, "ListParts")


def first_part(client: Client, entry: Entry) -> Flow[int]:
    """The size of its first part, where the server tells of parts; 0 = it does not."""
    if not client.tells_parts:
        return 0
    pairs = {"partNumber": "1"} | ({"versionId": entry.version} if entry.version else {})
    answer = yield from client.exchange(Call("HEAD", entry.key, "HEAD", encoded_query(pairs)))
    told = answer.headers.get("x-amz-mp-parts-count", "")
    if answer.status >= 300 or not told:
        client.tells_parts = answer.status >= 300
        return 0
    size = int(answer.headers.get("content-length", 0))
    count = entry.etag.rpartition("-")[2]  # Not the answer's ETag: some tell that of the part.
    return size if size > 0 and told == count == str(-(-entry.size // size)) else 0


def list_uploads(
    client: Client, prefix: str = "", *, is_key: bool = False
) -> Flow[list[OpenUpload]]:
    """Every upload under `prefix` that was begun and is still there."""
    uploads: list[OpenUpload] = []
    marker = ("", "")
    for _ in range(_PAGES_MAX):
        pairs = {"uploads": "", "prefix": prefix}
        if any(marker):
            pairs |= {"key-marker": marker[0], "upload-id-marker": marker[1]}
        answer = yield from client.exchange(Call("GET", None, "LIST", encoded_query(pairs)))
        if answer.status >= 300:
            if refusal(answer).code == "NoSuchUpload":  # `rclone serve` takes it for another call.
                raise Unsupported("the server does not list uploads", store=client.name)
            raise client.error(answer)
        root = _tree(client, "", answer, "ListMultipartUploads")
        ahead = client.ahead(answer)
        for item in named(root, "Upload"):
            begun = from_iso(text(item, "Initiated")) - ahead
            uploads.append(OpenUpload(text(item, "Key"), text(item, "UploadId"), begun))
        following = (text(root, "NextKeyMarker"), text(root, "NextUploadIdMarker"))
        if text(root, "IsTruncated") != "true" or following in (marker, ("", "")):
            break
        if is_key and following[0] > prefix:  # They come in key order: the rest is of other keys.
            break
        marker = following
    return [one for one in uploads if one.key == prefix] if is_key else uploads


def expected_etag(etags: Sequence[str]) -> str:
    """What the finished object's ETag is on a server that does as Amazon's does; "" = unknown."""
    if not etags or not all(_MD5(etag) for etag in etags):
        return ""
    together = md5_of(b"".join(map(bytes.fromhex, etags)), usedforsecurity=False).hexdigest()
    return f"{together}-{len(etags)}"


def _refused(client: Client, key: str, answer: Answer) -> StoreError:
    if answer.status < 300:
        return failure_within(client, key, answer)
    return client.error(answer, key)


def _finished(client: Client, key: str, answer: Answer) -> Flow[Receipt]:
    if b"</CompleteMultipartUploadResult>" not in answer.body:
        raise Broken("the answer to the last step broke off", store=client.name, key=key)
    told = COPY_ETAG.search(answer.body)
    if told:
        done = receipt({**answer.headers, "etag": told[1].decode()})
        done = replace(done, checksums=checksums_within(answer.body))
        return (yield from _as_listed(client, key, done))
    there = yield from stat(client, key)  # radosgw 16 leaves the ETag empty.
    return Receipt(there.entry.etag, there.entry.version, there.checksums)


def _as_listed(client: Client, key: str, done: Receipt) -> Flow[Receipt]:
    """`rclone serve` tells an ETag of parts at the last step, and ever after the one of the whole.

    What a listing will tell is the receipt's stamp then; a server is asked until it told the truth.
    """
    if client.finishes_as_listed:
        return done
    try:
        there = yield from stat(client, key, version=done.version)
    except StoreError:  # We may write and not read: then nobody will compare either.
        return done
    client.finishes_as_listed = there.entry.etag == done.etag
    return done if client.finishes_as_listed else replace(done, stamp=there.entry.etag)


def _finished_already(
    client: Client, key: str, upload: str, etags: Sequence[str], error: StoreError
) -> Flow[Receipt]:
    """The upload is gone: it is a success if the object that it was to become is there.

    Some servers fail over an upload that is gone; so any failure may be of that kind.
    """
    try:
        there = yield from stat(client, key)
    except StoreError as other:
        is_lost = isinstance(other, NotFound) or isinstance(error, ServerFault)
        raise error if is_lost else other from None
    begun = client.begun.get(upload)
    is_it = there.entry.etag == expected_etag(etags)
    if isinstance(error, ServerFault):
        is_it = is_it and (begun is None or there.entry.modified >= begun.since)
    if is_it or _fits(there, begun):
        return Receipt(there.entry.etag, there.entry.version, there.checksums)
    raise error


def _fits(there: Found, begun: Begun | None) -> bool:
    """For servers with ETags of their own making: the size is right and it came after we began."""
    if begun is None:
        return False
    is_later = 0 < begun.since <= there.entry.modified
    return is_later and there.entry.size == begun.size


def _goes_on(following: str, marker: str) -> bool:
    return following.isdigit() and int(following) > int(marker)


def _tree(client: Client, key: str, answer: Answer, name: str) -> Element:
    try:
        root = tree(answer.body)
    except Torn:
        raise Broken("the answer broke off", store=client.name, key=key) from None
    if name_of(root) not in {f"{name}Result", f"{name}Response"}:  # The latter by moto.
        raise Unsupported(f"the answer is no {name}", store=client.name, key=key)
    return root
