"""Splunk's management port: what it is asked, and what its answers mean."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

from bucketline.errors import (
    BadCredentials,
    BadRequest,
    Broken,
    Busy,
    Denied,
    NotFound,
    Remedy,
    ServerFault,
    StoreError,
    Untrusted,
    printable,
)
from bucketline.settings import Secret
from bucketline.stores.base import Answer, Flow, Pause, Request, Route

_ATTEMPTS = 4
_PAGE = 1000
_FROZEN = "frozenTimePeriodInSecs"
_CACHE = "/services/admin/cacheman"
_MESSAGE = re.compile(rb"<msg [^>]*>([^<]*)</msg>")
_STRANGER = "it does not answer as Splunk does; name its management port, 8089 for most"


@dataclass(frozen=True, slots=True)
class Index:
    """What matters of an index."""

    name: str
    home: str  # Where its buckets are.
    thawed: str
    cold: str
    remote_path: str  # "" = it is no SmartStore index.
    frozen_seconds: int  # -1 = it does not tell.
    max_global_mb: int  # 0 = no limit.
    max_raw_mb: int  # The same of events as they came.
    size_mb: int
    is_metric: bool
    is_disabled: bool
    is_ready: bool


class Splunk:
    """One instance. Every question may be asked again: they are made so by Splunk."""

    def __init__(self, url: str, auth: Secret, route: Route) -> None:
        self._url = url.rstrip("/")
        self._auth = auth
        self._route = route
        self._header = ""
        self.clock = 0.0  # What it said last of the time; 0 = it tells none.

    def info(self) -> Flow[dict[str, Any]]:
        """GUID, version, roles, the time of its start."""
        found = yield from self._entries("/services/server/info")
        return dict(found[0]["content"])

    def started(self) -> Flow[str]:
        """When, as it tells it; asked without patience, of one that may be down."""
        found = yield from self._entries("/services/server/info", attempts=1)
        return str(found[0]["content"].get("startup_time", ""))

    def capabilities(self) -> Flow[list[str]]:
        """What we may do."""
        found = yield from self._entries("/services/authentication/current-context")
        return list(found[0]["content"].get("capabilities", []))

    def indexes(self, *, attempts: int = _ATTEMPTS) -> Flow[dict[str, Index]]:
        found = yield from self._entries("/services/data/indexes", attempts)
        return {one["name"]: _index(one["name"], one["content"]) for one in found}

    def volume(self, name: str) -> Flow[str]:
        """A volume's path."""
        path = f"/services/configs/conf-indexes/{quote(f'volume:{name}', safe='')}"
        found = yield from self._entries(path)
        return str(found[0]["content"].get("path", ""))

    def cached(self, bid: str) -> Flow[dict[str, Any] | None]:
        """What the cache manager says of a bucket; None = it does not know it."""
        try:
            found = yield from self._entries(f"{_CACHE}/{_cache_id(bid)}")
        except NotFound:
            return None
        return dict(found[0]["content"].get("cm:bucket", {}))

    def register(self, bid: str) -> Flow[None]:
        yield from self._post(f"{_CACHE}/{_cache_id(bid)}", {"sid": bid})

    def attach(self, bid: str) -> Flow[None]:
        yield from self._post(f"{_CACHE}/{_cache_id(bid)}/attach", {"sid": bid, "directory": ""})

    def close(self, bid: str) -> Flow[None]:
        """What makes Splunk upload it. Raises `Broken` when nobody knows whether it was done."""
        path = f"{_CACHE}/{_cache_id(bid)}/close"
        yield from self._asked("POST", path, {"sid": bid}, is_once=True)

    def evict(self, bid: str) -> Flow[None]:
        """A wish: neither a good answer nor a lost one tells what came of it."""
        path = f"{_CACHE}/{_cache_id(bid)}/evict"
        with suppress(Broken):
            yield from self._asked("POST", path, {}, is_once=True)

    def search(self, query: str) -> Flow[list[dict[str, Any]]]:
        form = {"search": query, "exec_mode": "oneshot", "count": "0"}
        found = yield from self._post("/services/search/jobs", form)
        return list(found.get("results", []))

    def restart(self) -> Flow[None]:
        """Asked once: whether it happened, only the time of its start tells."""
        try:
            yield from self._once("POST", "/services/server/control/restart", {}, is_once=True)
        except Broken:
            return  # It may go down before it has answered.

    def _entries(self, path: str, attempts: int = _ATTEMPTS) -> Flow[list[dict[str, Any]]]:
        """Every entry: a page has 30 unless more are asked for, and may have fewer all the same."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"output_mode": "json", "count": _PAGE, "offset": len(found)})
            answer = yield from self._asked("GET", f"{path}?{query}", None, attempts=attempts)
            if "entry" not in answer:
                raise BadRequest(_STRANGER, store=self._url, key=path)
            page = answer["entry"]
            found += page
            total = int(answer.get("paging", {}).get("total", len(found)))
            if not page or len(found) >= total:
                break
        if not found and not path.endswith("indexes"):
            raise NotFound("it tells nothing", store=self._url, key=path)
        return found

    def _post(self, path: str, form: Mapping[str, str]) -> Flow[dict[str, Any]]:
        found: dict[str, Any] = yield from self._asked("POST", path, form)
        return found

    def _asked(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None,
        *,
        attempts: int = _ATTEMPTS,
        is_once: bool = False,
    ) -> Flow[Any]:
        is_renewed = False
        attempt = 1
        while True:
            try:
                return (yield from self._once(method, path, form, is_once=is_once))
            except BadCredentials:
                if is_renewed or not self._header or ":" not in self._auth.reveal:
                    raise
                self._header, is_renewed = "", True  # A session ends; a password makes a new one.
                continue
            except StoreError as error:
                is_unknown = is_once and isinstance(error, Broken)
                if is_unknown or error.remedy is not Remedy.RETRY or attempt >= attempts:
                    raise
            yield Pause(0.2 * 2**attempt)
            attempt += 1

    def _once(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None,
        *,
        is_once: bool = False,
    ) -> Flow[Any]:
        if not self._header:
            self._header = yield from self._logged_in()
        headers = [f"Authorization: {self._header}"]
        return (yield from self._sent(method, path, form, headers, is_once=is_once))

    def _logged_in(self) -> Flow[str]:
        """`user:password` becomes a session; a token is one."""
        said = self._auth.reveal.strip()
        if said.lower().startswith(("bearer ", "splunk ")):
            return said
        if ":" not in said:
            return f"Bearer {said}"
        user, _, password = said.partition(":")
        form = {"username": user, "password": password}
        try:
            answer = yield from self._sent("POST", "/services/auth/login", form, [])
        except NotFound:
            return "Basic " + base64.b64encode(said.encode()).decode()
        if "sessionKey" not in answer:
            raise BadRequest(_STRANGER, store=self._url, key="/services/auth/login")
        return f"Splunk {answer['sessionKey']}"

    def _sent(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None,
        headers: list[str],
        *,
        is_once: bool = False,
    ) -> Flow[Any]:
        body = b""
        if form is not None:
            body = urlencode({**form, "output_mode": "json"}).encode()
            headers = [*headers, "Content-Type: application/x-www-form-urlencoded"]
        kind = "GET" if method == "GET" else "POST"
        url = self._url + path
        request = Request(method, url, headers, self._route, body, kind=kind, is_once=is_once)
        try:
            answer = yield request
        except Untrusted as error:
            said = error.message.partition(";")[0]
            remedy = "name the authority of Splunk's certificate by --splunk-ca"
            raise Untrusted(f"{said}; {remedy}", store=error.store) from None
        with suppress(ValueError, TypeError):
            self.clock = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        return self._understood(answer, path)

    def _understood(self, answer: Answer, path: str) -> Any:
        if answer.status >= 300:
            raise _cause(answer.status)(
                f"Splunk answers {answer.status}{_said(answer)}",
                store=self._url,
                key=path.partition("?")[0],
            )
        try:
            return json.loads(bytes(answer.body) or b"{}")
        except ValueError:
            return {}  # Of some answers nothing is needed but that they are good.


def _cause(status: int) -> type[StoreError]:
    causes: dict[int, type[StoreError]] = {401: BadCredentials, 403: Denied, 404: NotFound}
    if status in causes:
        return causes[status]
    if status in (429, 503):
        return Busy
    return ServerFault if status >= 500 else BadRequest


def _said(answer: Answer) -> str:
    """What its messages say, which may be Atom's whatever was asked for."""
    text = bytes(answer.body)
    try:
        said = [str(one["text"]) for one in json.loads(text)["messages"]]
    except (ValueError, KeyError, TypeError):
        said = [unescape(one.decode(errors="replace")) for one in _MESSAGE.findall(text)]
    return f": {printable('; '.join(said))}" if said else ""


def _cache_id(bid: str) -> str:
    return quote(f"bid|{bid}|", safe="~")


def _index(name: str, told: Mapping[str, Any]) -> Index:
    def number(key: str) -> int:
        return int(float(told.get(key) or 0))

    return Index(
        name=name,
        home=str(told.get("homePath_expanded", "")),
        thawed=str(told.get("thawedPath_expanded", "")),
        cold=str(told.get("coldPath_expanded", "")),
        remote_path=str(told.get("remotePath") or ""),
        frozen_seconds=number(_FROZEN) if told.get(_FROZEN) is not None else -1,
        max_global_mb=number("maxGlobalDataSizeMB"),
        max_raw_mb=number("maxGlobalRawDataSizeMB"),
        size_mb=number("currentDBSizeMB"),
        is_metric=told.get("datatype") == "metric",
        is_disabled=str(told.get("disabled", "0")).lower() in ("1", "true"),
        is_ready=str(told.get("isReady", "1")).lower() in ("1", "true"),
    )
