"""Feeds answers into a flow of the S3 store by hand, one for each request; keeps the requests."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import Any

from bucketline.clock import FakeClock
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.base import Answer, Flow, Request, Together, Work
from bucketline.stores.s3 import S3Store

START = 1_700_000_000.0
DATE = formatdate(START, usegmt=True)
KEYS = Keys("demo-access", Secret("demo-secret-not-real"))


def store(bucket: str = "b", *, keys: Any = None, clock: Any = None, **remote: Any) -> S3Store:
    usual = Remote(endpoints=("http://127.0.0.1:9000",), region="eu-west-1", keys=KEYS)
    place = replace(usual, **remote)
    return S3Store(place, bucket, clock=clock or FakeClock(START), keys=keys)


def answer(status: int = 200, body: bytes | str = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"date": DATE} | named, body.encode() if isinstance(body, str) else body)


def refused(status: int, code: str, message: str = "", **headers: str) -> Answer:
    xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return answer(status, xml, **headers)


class Played:
    """A flow that was run to its end: its value or its error, and what it asked for."""

    def __init__(self, flow: Flow[Any], *answers: Answer | Exception) -> None:
        self.requests: list[Request] = []
        self.value: Any = None
        self._left = list(answers)
        try:
            self.value = self._run(flow)
        finally:
            self.unused = self._left
        assert not self._left, "the flow asked for less than it was given"

    def _run(self, flow: Flow[Any]) -> Any:
        result: Any = None
        error: Exception | None = None
        while True:
            try:
                effect = flow.throw(error) if error else flow.send(result)
            except StopIteration as stop:
                return stop.value
            result = error = None
            try:
                result = self._perform(effect)
            except Exception as failure:
                error = failure

    def _perform(self, effect: object) -> Any:
        if isinstance(effect, Work):
            return effect.call()
        if isinstance(effect, Together):
            return [self._run(flow) for flow in effect.flows]
        assert isinstance(effect, Request)
        self.requests.append(effect)
        following = self._left.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    @property
    def lines(self) -> list[str]:
        """Method and URL of each request."""
        return [f"{request.method} {request.url}" for request in self.requests]


def header(request: Request, name: str) -> str:
    return next((line[len(name) + 2 :] for line in request.headers if line.startswith(name)), "")
