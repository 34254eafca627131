"""Deleting many objects with one request, and one by one where that cannot be had."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import md5
from html import escape

from bucketline.errors import (
    BadRequest,
    Broken,
    NotFound,
    Remedy,
    StoreError,
    Unsupported,
)
from bucketline.stores.base import Flow, Together
from bucketline.stores.s3.answers import by_code, is_error
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.markup import Torn, name_of, text, tree
from bucketline.stores.s3.objects import delete, failure_within

_BATCH_MAX = 1_000
# What XML 1.0 cannot name, and what a parser may change without a word.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]|^\s|\s$").search


def delete_many(client: Client, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
    failures: dict[str, Exception] = {}
    single = [key for key in keys if not key or _UNFIT(key)]
    single_ones = set(single)
    named = [key for key in keys if key not in single_ones]
    while named and client.deletes_in_batches:
        batch, named = named[:_BATCH_MAX], named[_BATCH_MAX:]
        told = yield from _batch(client, batch)
        failures.update(told)
        single += [key for key in batch if isinstance(told.get(key), _Untold)]
    single += named
    if not single:
        return failures
    results = yield Together([_attempt(client, key) for key in single])
    for key, error in zip(single, results, strict=True):
        failures.pop(key, None)
        if error is not None:
            failures[key] = error
    return failures


class _Untold(Exception):
    """The answer says nothing of this key."""


def _batch(client: Client, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
    items = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    body = f'<?xml version="1.0" encoding="UTF-8"?><Delete>{items}</Delete>'.encode()
    digest = b64encode(md5(body, usedforsecurity=False).digest()).decode()
    headers = {"content-md5": digest, "content-type": "application/xml"}
    answer = yield from client.exchange(Call("POST", None, "DELETE", "delete=", headers, body))
    if answer.status < 300 and not is_error(answer.body):
        return _read(client, keys, answer.body)
    error = failure_within(client, "", answer) if answer.status < 300 else client.error(answer)
    if isinstance(error, Unsupported | BadRequest):
        client.deletes_in_batches = False
        return dict.fromkeys(keys, _Untold())
    raise error


def _read(client: Client, keys: Sequence[str], body: bytes) -> dict[str, Exception]:
    """Each key that was not deleted, and why; what the answer does not name is not deleted."""
    try:
        root = tree(body)
    except Torn:
        raise Broken("the answer to a deletion broke off", store=client.name) from None
    failures: dict[str, Exception] = dict.fromkeys(keys, _Untold())
    for item in root:
        name, key = name_of(item), text(item, "Key")
        if name == "Deleted":
            failures.pop(key, None)
        elif name == "Error":
            error = by_code(text(item, "Code"), text(item, "Message"))
            error.store, error.key = client.name, key
            if isinstance(error, NotFound):
                failures.pop(key, None)
            elif key in failures:
                failures[key] = error
    return failures


def _attempt(client: Client, key: str) -> Flow[StoreError | None]:
    try:
        yield from delete(client, key)
    except StoreError as error:
        if error.remedy is Remedy.STOP:
            raise
        return error
    return None
