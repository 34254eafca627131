"""A Splunk to test against: HTTPS, its folders on a real disk, its uploads to a real S3 server."""

from __future__ import annotations

import hashlib
import re
import shutil
import ssl
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import trustme
from botocore.client import Config
from botocore.exceptions import ClientError

from servers import Endpoint
from splunk.managing import GUID, inspected, managed
from splunk.program import install
from splunk.receipting import STRANGER, is_whole, receipt, spoilt
from splunk.wire import PASSWORD, USER, handler

__all__ = ["GUID", "PASSWORD", "STRANGER", "USER", "Double"]

NAME = re.compile(r"db_(\d+)_(\d+)_(\d+)_([0-9A-F-]{36})")
BIG = ("rawdata/", ".tsidx", "bloomfilter")


@dataclass
class Bucket:
    path: Path
    index: str
    bid: str
    events: int
    raw_size: int
    status: str = "local"
    upload: str = "idle"
    looks: int = 0  # That it takes until its upload begins.


@dataclass
class Double:
    """One instance; `faults` says what it does wrong."""

    home: Path
    server: Endpoint
    s3_bucket: str
    prefix: str
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Bucket] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)  # What was asked, by verb.
    uploads: Counter[str] = field(default_factory=Counter)
    evicted: list[str] = field(default_factory=list)
    careless: list[str] = field(default_factory=list)  # Evicted though S3 did not hold all of it.
    disk_most: int = 0
    starts: int = 1
    down: int = 0
    sessions: set[str] = field(default_factory=set)
    deeds: list[str] = field(default_factory=list)  # Requests that were more than questions.
    kill_after: int = 0  # At which of them, done and not answered, the victim dies.
    asked: int = 0
    logins: int = 0  # That were tried.
    refused: int = 0  # Uploads that S3 did not take.
    victim: Future[int] = field(default_factory=Future)
    info: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        install(self.home)
        self.upload_to(self.server.url)
        self.authority = trustme.CA()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(self.tls)
        self.ca_file = self.home / "ca.pem"
        self.ca_file.write_bytes(self.authority.cert_pem.bytes())
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def upload_to(self, url: str) -> None:
        self.s3 = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id=self.server.access_key,
            aws_secret_access_key=self.server.secret_key,
            region_name=self.server.region,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def add_index(self, name: str, **said: Any) -> Path:
        folder = self.home / "indexes" / name
        (folder / "db").mkdir(parents=True)
        (folder / "thaweddb").mkdir()
        self.indexes[name] = {
            "homePath_expanded": str(folder / "db"),
            "thawedPath_expanded": str(folder / "thaweddb"),
            "remotePath": "volume:remote/$_index_name",
            "frozenTimePeriodInSecs": 4_294_967_295,
            "disabled": False,
            "isReady": "1",
            "datatype": "event",
            **said,
        }
        return folder / "db"

    def scan(self) -> None:
        """What a start finds."""
        for name, said in self.indexes.items():
            homes = [Path(said["homePath_expanded"]), Path(said["thawedPath_expanded"])]
            for path in (one for home in homes if home.exists() for one in home.iterdir()):
                match = NAME.fullmatch(path.name)
                has_body = any(path.glob("*.tsidx")) and any((path / "rawdata").glob("journal*"))
                if match and has_body and path.name not in self.faults.get("not found", ()):
                    bid = f"{name}~{match[3]}~{match[4]}"
                    if bid in self.known and self.known[bid].path != path:
                        said["disabled"] = True  # As it does where two have one id.
                    events, raw_size = map(int, (path / "bucket_info.csv").read_text().split(","))
                    self.known.setdefault(bid, Bucket(path, name, bid, events, raw_size))

    def on_disk(self) -> int:
        files = (self.home / "indexes").rglob("*")
        return sum(path.stat().st_size for path in files if path.is_file())

    def measure(self) -> None:
        self.disk_most = max(self.disk_most, self.on_disk())

    def upload(self, one: Bucket) -> None:
        what = self.faults.get(one.bid, "")
        if what == "stuck":
            return
        self.uploads[one.bid] += 1
        one.looks = self.faults.get("after looks", 0)
        if one.looks:
            return
        if not self.faults.get("asynchronous"):
            self._upload(one, what)
            return
        one.upload = self.faults["asynchronous"]
        threading.Thread(target=self._upload_in_time, args=(one, what), daemon=True).start()

    def _upload_in_time(self, one: Bucket, what: str) -> None:
        """As Splunk does: what S3 refuses is tried again."""
        while True:
            try:
                self._upload(one, what)
            except ClientError:
                self.refused += 1
            else:
                one.upload = "idle"
                return

    def _upload(self, one: Bucket, what: str) -> None:
        """Bodies first, the receipt last."""
        self.measure()
        root = self._root(one)
        objects = self._bodies(one, root, what)
        if what != "no receipt":
            told = {"bid": one.bid, "path": one.path.name, "uploader": GUID}
            text = receipt(objects, **told, events=one.events, raw_size=one.raw_size)
            body = spoilt(text, what)
            self.s3.put_object(Bucket=self.s3_bucket, Key=f"{root}receipt.json", Body=body)
        if self.faults.get("retention"):
            self.freeze(one)

    def _root(self, one: Bucket) -> str:
        identity = one.bid.partition("~")[2]
        spread = hashlib.sha1(identity.encode()).hexdigest()
        spread = spread.upper() if self.faults.get("upper") else spread
        return f"{self.prefix}{one.index}/db/{spread[:2]}/{spread[2:4]}/{identity}/"

    def freeze(self, one: Bucket) -> None:
        """What its retention does: it is gone, here and there."""
        root = self._root(one)
        listed = self.s3.list_objects_v2(Bucket=self.s3_bucket, Prefix=root)
        for found in listed.get("Contents", []):
            self.s3.delete_object(Bucket=self.s3_bucket, Key=found["Key"])
        shutil.rmtree(one.path)
        self.known.pop(one.bid)

    def _bodies(self, one: Bucket, root: str, what: str) -> dict[str, int]:
        objects = {}
        for path in sorted(p for p in one.path.rglob("*") if p.is_file()):
            name = path.relative_to(one.path).as_posix()
            objects[name] = path.stat().st_size
            key = f"{root}guidSplunk-{GUID}/{name}"
            if not (what == "lacks an object" and name.endswith(".tsidx")):
                cut = 1 if what == "cuts an object" and name.endswith(".tsidx") else None
                body = path.read_bytes()[cut:]
                if what == "flips the journal" and name.startswith("rawdata/journal"):
                    body = bytes([body[0] ^ 1]) + body[1:]
                self.s3.put_object(Bucket=self.s3_bucket, Key=key, Body=body)
        return objects

    def evict(self, one: Bucket) -> None:
        declines = self.faults.get("evict declined", {})
        if declines.get(one.bid, 0) > 0:
            declines[one.bid] -= 1
            self._lose(one, self.faults.get("loses when it declines", ""))
            return
        if not is_whole(self.s3, self.s3_bucket, self._root(one)):
            self.careless.append(one.bid)
        for path in [p for p in one.path.rglob("*") if p.is_file()]:
            name = path.relative_to(one.path).as_posix()
            if name.startswith(BIG) or name.endswith(BIG):
                path.unlink()
        one.status = "remote"
        self.evicted.append(one.bid)

    def _lose(self, one: Bucket, what: str) -> None:
        """Of what SmartStore holds of it."""
        listed = self.s3.list_objects_v2(Bucket=self.s3_bucket, Prefix=self._root(one))
        for found in listed["Contents"]:
            if what and found["Key"].endswith(what):
                self.s3.delete_object(Bucket=self.s3_bucket, Key=found["Key"])

    def restart(self) -> None:
        if self.faults.get("never back"):
            self.down = 10**9
            return
        self.measure()
        self.starts += 1
        self.down = self.faults.get("slow", 2)
        for index in self.faults.get("disabled by a start", ()):
            self.indexes[index]["disabled"] = True
            return
        self.sessions.clear()
        self.scan()

    # Routes: each gives a status and what is told.

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, Any]:
        with self._lock:
            parts = path.removeprefix("/services/").split("/")
            match parts:
                case ["server", "info"]:
                    return 200, [("server-info", self._info())]
                case ["authentication", "current-context"]:
                    able = self.faults.get("capabilities", ["restart_splunkd", "search"])
                    return 200, [("context", {"capabilities": able})]
                case ["data", "indexes"] if method == "GET":
                    return 200, list(self.indexes.items())
                case ["configs", "conf-indexes", _]:
                    path = f"s3://{self.s3_bucket}/{self.prefix}"
                    return 200, [("volume", {"path": self.faults.get("volume", path)})]
                case ["server", "control", "restart"] if method == "POST":
                    self.seen["restart"] += 1
                    self.restart()
                    return 200, []
                case ["search", "jobs"]:
                    said: dict[str, Any] = {"preview": False, "init_offset": 0, "messages": []}
                    return 200, {**said, "results": inspected(self, form["search"])}
                case ["admin", "cacheman", cache_id, *action]:
                    return self._cache(method, cache_id, action)
            return managed(self, method, parts, form)

    def _info(self) -> dict[str, Any]:
        told = {"guid": GUID, "version": "10.2.3", "startup_time": 1000 + self.starts}
        return {**told, "server_roles": ["indexer"], **self.info}

    def cached(self, one: Bucket) -> dict[str, Any]:
        return {"cm:bucket": {"status": one.status, "upload_status": one.upload}}

    def _cache(self, method: str, cache_id: str, action: list[str]) -> tuple[int, Any]:
        bid = cache_id.removeprefix("bid|").removesuffix("|")
        one = self.known.get(bid)
        verb = action[0] if action else "register"
        if method == "GET" and action:
            return 400, "All custom actions of this endpoint require POST"
        if method == "GET":
            if one is None:
                return 404, f"Could not find object id={cache_id}"
            one.looks -= 1
            if one.looks == 0:
                self._upload(one, what="")
            return 200, [(cache_id, self.cached(one))]
        self.seen[verb] += 1
        failing = self.faults.get(verb, {})
        if failing.get(bid, 0) > 0:
            failing[bid] -= 1
            return failing["status"], "injected"
        if one is None:
            return (200, []) if verb == "register" else (404, "Could not find")
        if verb == "close":
            self.upload(one)
        if verb == "evict":
            self.evict(one)
        return 200, []
