"""The software of a device, from AWS: where it is, and a download that goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from bucketline.clock import Clock
from bucketline.errors import (
    BadCredentials,
    Broken,
    Changed,
    Denied,
    DiskError,
    Mismatch,
    ServerFault,
    UsageError,
)
from bucketline.flow.drive import blocking
from bucketline.settings import KeySource
from bucketline.stores.base import Answer, Flow, Request, Route
from bucketline.stores.s3.sign import Signer

_TARGET = "AWSIESnowballJobManagementService.GetSoftwareUpdates"
_JOB = re.compile(r"(?:M|J)ID[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_PIECE = 8 << 20


def job_in(name: str) -> str:
    """The job that a manifest's name tells of; "" = none."""
    found = _JOB.search(name)
    return found[0] if found else ""


def check_job(job: str) -> str:
    if not _JOB.fullmatch(job):
        raise UsageError("no job's name: say --job-id JID and its UUID, as the console shows it")
    return job


@dataclass(frozen=True)
class Releases:
    """What AWS tells of a job's software."""

    endpoint: str  # "" = AWS's own in `region`.
    region: str
    keys: KeySource
    clock: Clock
    route: Route

    def url(self, job: str) -> str:
        """Where the update is, for two days: a secret. Raises by cause."""
        url = (self.endpoint or f"https://snowball.{self.region}.amazonaws.com").rstrip("/")
        answer = blocking(self._asked(f"{url}/", job))
        if answer.status in {400, 401, 403}:
            kind = str(_told(answer).get("__type", "")).rpartition("#")[2] or answer.status
            raise BadCredentials(f"{url}: refuses to tell of {job}: {kind}; check --aws-profile")
        found = _told(answer).get("UpdatesURI") if answer.status == 200 else None
        if not isinstance(found, str) or not found.startswith(("https://", "http://")):
            raise ServerFault(f"{url}: tells of no update (status {answer.status}); try again")
        return found

    def _asked(self, url: str, job: str) -> Flow[Answer]:
        keys = self.keys()
        if keys is None:
            raise BadCredentials("no AWS credentials; name an --aws-profile that may ask for jobs")
        body = json.dumps({"JobId": job}).encode()
        headers = {
            "host": urlsplit(url).netloc,
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": _TARGET,
        }
        payload = hashlib.sha256(body).hexdigest()
        signer = Signer(keys, self.region, "snowball")
        lines = signer.headers("POST\n/\n", headers, payload, self.clock.now())
        answer: Answer = yield Request("POST", url, lines, self.route, body, "POST")
        return answer


def fetch(url: str, route: Route, file: Path, tag_file: Path) -> None:
    """Bring it here, piece by piece; what is here already is not asked for again."""
    try:
        with file.open("ab") as out:
            size = _size_wanted(url, route, out, tag_file)
            while (at := out.tell()) < size or not at:
                answer = _piece(url, route, at)
                _check_same(answer, tag_file)
                out.write(answer.body)
                out.flush()
                if out.tell() >= _total(answer):
                    break
            os.fsync(out.fileno())
    except OSError as error:
        raise DiskError(f"{file}: cannot be written ({error.strerror}); make room") from None
    _check(file, tag_file)


def _size_wanted(url: str, route: Route, out: IO[bytes], tag_file: Path) -> int:
    """Bytes of the whole; what is here and is not of it goes before anything calls it so."""
    answer = _piece(url, route, 0, 1)
    tag, total = answer.headers.get("etag", "").strip('"'), _total(answer)
    known = tag_file.read_text(encoding="utf-8") if tag_file.exists() else ""
    if known == f"{tag} {total}" and tag and out.tell() <= total:
        return total
    out.truncate(out.seek(0))
    os.fsync(out.fileno())
    tag_file.write_text(f"{tag} {total}", encoding="utf-8")
    return total


def _piece(url: str, route: Route, at: int, size: int = _PIECE) -> Answer:
    answer = blocking(_get(url, route, f"bytes={at}-{at + size - 1}"))
    if answer.status == 403:
        raise Denied("the address of the update has expired; run again for another one")
    if answer.status != 206:
        raise Broken(f"the update cannot be read in pieces (status {answer.status}); run again")
    return answer


def _get(url: str, route: Route, span: str) -> Flow[Answer]:
    answer: Answer = yield Request("GET", url, [f"Range: {span}"], route)
    return answer


def _total(answer: Answer) -> int:
    total = answer.headers.get("content-range", "").rpartition("/")[2]
    if not total.isdigit() or not int(total):
        raise Broken("the update's size is not told; run again")
    return int(total)


def _check_same(answer: Answer, tag_file: Path) -> None:
    tag = answer.headers.get("etag", "").strip('"')
    if tag_file.read_text(encoding="utf-8") != f"{tag} {_total(answer)}":
        raise Changed("the update changed while it came; run again")


def _check(file: Path, tag_file: Path) -> None:
    """Its size, and its MD5 where the store tells one."""
    tag, _, total = tag_file.read_text(encoding="utf-8").rpartition(" ")
    if file.stat().st_size != int(total):
        file.unlink()
        raise Changed(f"{file}: the update changed while it came; run again")
    if _MD5.fullmatch(tag):
        with file.open("rb") as body:
            found = hashlib.file_digest(body, "md5").hexdigest()
        if found != tag:
            file.unlink()
            raise Mismatch(f"{file}: is not what was sent (MD5); it is removed, run again")


def _told(answer: Answer) -> dict[str, object]:
    try:
        said = json.loads(bytes(answer.body))
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
