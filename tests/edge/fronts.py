"""The S3 services of a device: a proxy before a real server takes away what each of them lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from faults.http import Message, answer
from faults.proxy import Exchange, FaultProxy

_CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_ETAG = re.compile(rb'(?im)^(etag: *")[0-9a-f]{32}(?:-\d+)?"')
_NO = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>NotImplemented</Code>'
    b"<Message>not supported</Message></Error>"
)
_STORAGE_LACKS = r"[?&](acl|versions|versioning|object-lock|retention|legal-hold|attributes)\b"
_ADAPTER_LACKS = rf"{_STORAGE_LACKS}|[?&](tagging|delete)\b|list-type=2"


def _lacking(exchange: Exchange) -> None:
    exchange.send(answer(501, _NO))


def _adapter_put(exchange: Exchange) -> None:
    """No copies, no chunks, no headers that it does not know; an ETag that is no MD5."""
    head = exchange.request.head.lower()
    if b"x-amz-copy-source" in head or b"aws-chunked" in head or b"transfer-encoding:" in head:
        _lacking(exchange)
        return
    if b"x-amz-server-side-encryption" in head or b"x-amz-tagging" in head:
        _lacking(exchange)
        return
    told = exchange.forward()
    if exchange.seen.is_part:  # The server behind wants these back as they are.
        exchange.send(told)
        return
    exchange.send(Message(_ETAG.sub(rb'\1opaque-of-this-device"', told.head), told.body))


def _adapter_list(exchange: Exchange) -> None:
    """All of it at once, in no order."""
    told = exchange.forward()
    entries = _CONTENTS.findall(told.body)
    Random(7).shuffle(entries)
    places = iter(entries)
    exchange.send(told.with_body(_CONTENTS.sub(lambda _: next(places), told.body)))


@contextmanager
def adapter(url: str) -> Iterator[FaultProxy]:
    """The older one: ListObjects V1 unsorted, no copy, no tags, no batch of deletes."""
    with FaultProxy(url) as proxy:
        proxy.add(_lacking, path=_ADAPTER_LACKS)
        proxy.add(_lacking, method="GET", path=r"[?&]uploadId=")
        proxy.add(_adapter_put, method="PUT")
        proxy.add(_adapter_list, method="GET", path=r"^/[^/?]+/?\?")
        yield proxy


@contextmanager
def storage(url: str) -> Iterator[FaultProxy]:
    """The newer one: all but versions, ACLs and locks."""
    with FaultProxy(url) as proxy:
        proxy.add(_lacking, path=_STORAGE_LACKS)
        yield proxy
