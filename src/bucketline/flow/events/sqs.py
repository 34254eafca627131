"""A queue of SQS: received, and deleted once done with, signed as every request of ours is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from bucketline.clock import Clock
from bucketline.errors import (
    BadCredentials,
    BadRequest,
    BucketDenied,
    Busy,
    ExpiredCredentials,
    NoBucket,
    ServerFault,
    StoreError,
    UsageError,
    printable,
)
from bucketline.flow.events.feed import Message
from bucketline.flow.look.listing import Caller
from bucketline.settings import KeySource
from bucketline.stores.base import Answer, Flow, Request, Route, Together, Work
from bucketline.stores.s3.sign import Signer

_ROUTE = Route(connect_timeout_seconds=10, idle_timeout_seconds=40)
_HIDDEN_SECONDS = 300  # What was received and not deleted comes again after so long.
_MOST = 5_000  # Messages at once; what is beyond them is for the next time.
_BATCH, _AT_ONCE = 10, 4
_WAIT_MAX_SECONDS = 20
_REGION = re.compile(r"(?:sqs\.|^)([a-z]{2}(?:-[a-z]+)+-\d)\.").search
_CAUSES: Mapping[str, type[StoreError]] = {
    "QueueDoesNotExist": NoBucket,
    "NonExistentQueue": NoBucket,
    "AccessDenied": BucketDenied,
    "AccessDeniedException": BucketDenied,
    "ExpiredToken": ExpiredCredentials,
    "ExpiredTokenException": ExpiredCredentials,
    "InvalidClientTokenId": BadCredentials,
    "UnrecognizedClientException": BadCredentials,
    "SignatureDoesNotMatch": BadCredentials,
    "RequestThrottled": Busy,
    "ThrottlingException": Busy,
}


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue, by its URL."""

    url: str
    region: str
    keys: KeySource
    clock: Clock
    drive: Caller

    @classmethod
    def of(cls, url: str, region: str, keys: KeySource, clock: Clock, drive: Caller) -> Queue:
        """Raises `UsageError` for what is no queue's URL; its own region goes before ours."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or len(parts.path) < 2:
            raise UsageError(
                f"{printable(url)}: is no queue's URL; it is like"
                " https://sqs.eu-west-1.amazonaws.com/123456789012/NAME"
            )
        told = _REGION(parts.hostname)
        return cls(url, told[1] if told else region or "us-east-1", keys, clock, drive)

    def take(self, wait_seconds: float) -> list[Message]:
        """Up to some thousands; more of them only as long as there are any without waiting."""
        wait = min(_WAIT_MAX_SECONDS, max(1, round(wait_seconds)))
        some = self.drive.call(self._received(wait))
        found = list(some)
        while some and len(found) < _MOST:
            some = self.drive.call(self._more())
            found += some
        return found

    def drop(self, messages: Sequence[Message]) -> None:
        """One that could not be deleted comes again."""
        batches = [messages[at : at + _BATCH] for at in range(0, len(messages), _BATCH)]
        for at in range(0, len(batches), _AT_ONCE):
            self.drive.call(self._deleted(batches[at : at + _AT_ONCE]))

    def close(self) -> None:
        """Nothing is open."""

    def _more(self) -> Flow[list[Message]]:
        flows = [self._received(0) for _ in range(_AT_ONCE)]
        told: list[list[Message]] = yield Together(flows, _AT_ONCE)
        return [message for some in told for message in some]

    def _received(self, wait_seconds: int) -> Flow[list[Message]]:
        told = yield from self._asked(
            "ReceiveMessage",
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=wait_seconds,
        )
        return [Message(one["Body"], one["ReceiptHandle"]) for one in told.get("Messages") or ()]

    def _deleted(self, batches: Sequence[Sequence[Message]]) -> Flow[None]:
        yield Together([self._delete(some) for some in batches], _AT_ONCE)

    def _delete(self, some: Sequence[Message]) -> Flow[None]:
        entries = [{"Id": f"{at}", "ReceiptHandle": one.receipt} for at, one in enumerate(some)]
        yield from self._asked("DeleteMessageBatch", Entries=entries)

    def _asked(self, action: str, **words: Any) -> Flow[dict[str, Any]]:
        keys = yield Work(self.keys, "credentials")
        if keys is None:
            raise BadCredentials("a queue tells nothing without credentials", endpoint=self.url)
        body = json.dumps({"QueueUrl": self.url, **words}).encode()
        place = urlsplit(self.url)
        headers = {
            "host": place.netloc,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AmazonSQS.{action}",
        }
        signer = Signer(keys, self.region, "sqs")
        now = self.clock.now()
        lines = signer.headers("POST\n/\n", headers, sha256(body).hexdigest(), now)
        root = f"{place.scheme}://{place.netloc}/"
        answer: Answer = yield Request("POST", root, lines, _ROUTE, body, "EVENTS")
        return _told(answer, self.url)


def _told(answer: Answer, url: str) -> dict[str, Any]:
    """What it says, raised by cause if it is a refusal."""
    try:
        told = json.loads(answer.body)
        code = re.split(r"[#:.]", str(told.get("__type", "")))[-1]
    except (ValueError, AttributeError):
        told, code = {}, ""
    if answer.status < 300 and isinstance(told, dict):
        return told
    why = printable(code) or f"HTTP {answer.status}"
    is_theirs = answer.status >= 500 or answer.status < 300
    fallback: type[StoreError] = ServerFault if is_theirs else BadRequest
    if answer.status == 403:
        fallback = BucketDenied
    raise _CAUSES.get(code, fallback)(f"the queue tells no events: {why}", endpoint=url)
