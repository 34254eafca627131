"""Whom the contract tests speak to: the double, or a real Splunk that the environment names.

SPLUNK_URL      its management port, https://host:8089
SPLUNK_LOGIN_FILE  a file (0600) with USER:PASSWORD; the user may make indexes
SPLUNK_CA       the authority of its certificate, as a file
SPLUNK_HOME     its installation, if that is on this machine: `splunk rebuild` is tried too
SPLUNK_VOLUME   the name of a remote volume: an upload is tried too, in an index of its own
"""

from __future__ import annotations

import http.client
import os
import ssl
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from bucketline.engines.splunk.rest import Splunk
from bucketline.settings import Secret
from bucketline.stores.base import Route
from splunk.double import PASSWORD, USER, Double

IS_REAL = "SPLUNK_URL" in os.environ
PREFIX = "bucketline_contract_"


class Said(NamedTuple):
    """One answer, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Peer:
    """One Splunk."""

    url: str
    login: str
    ca_file: str
    home: Path | None
    volume: str
    header: str = ""

    def client(self) -> Splunk:
        """As the product speaks."""
        return Splunk(self.url, Secret(self.login), Route(ca_file=self.ca_file))

    def ask(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        *,
        header: str | None = None,
        **query: Any,
    ) -> Said:
        """Without the product's client."""
        place = urlsplit(self.url)
        tls = ssl.create_default_context(cafile=self.ca_file or None)
        line = http.client.HTTPSConnection(place.hostname or "", place.port, context=tls)
        said = self.header if header is None else header
        headers = {"Authorization": said} if said else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        target = f"/services/{path}" + (f"?{urlencode(query)}" if query else "")
        line.request(method, target, urlencode(form) if form is not None else None, headers)
        answer = line.getresponse()
        said_headers = {name.lower(): value for name, value in answer.getheaders()}
        body = answer.read()
        line.close()
        return Said(answer.status, said_headers, body)

    @contextmanager
    def index(self, **more: str) -> Iterator[str]:
        """One of its own, gone at the end: all that a contract changes."""
        name = PREFIX + uuid.uuid4().hex[:8]
        made = self.ask("POST", "data/indexes", {"name": name, **more}, output_mode="json")
        assert made.status == 201, made.body
        try:
            yield name
        finally:
            gone = self.ask("DELETE", f"data/indexes/{quote(name)}", output_mode="json")
            assert gone.status == 200, gone.body


def named() -> Peer:
    """The real one."""
    around = os.environ
    file = Path(around["SPLUNK_LOGIN_FILE"])
    assert file.stat().st_mode & 0o077 == 0, f"{file}: others may read it"
    home = Path(around["SPLUNK_HOME"]) if "SPLUNK_HOME" in around else None
    login = file.read_text().strip()
    return Peer(
        around["SPLUNK_URL"], login, around.get("SPLUNK_CA", ""), home,
        around.get("SPLUNK_VOLUME", ""),
    )  # fmt: skip


def standing_in(double: Double) -> Peer:
    return Peer(double.url, f"{USER}:{PASSWORD}", str(double.ca_file), double.home, "remote")
