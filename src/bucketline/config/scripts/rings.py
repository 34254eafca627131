"""The configuration of the storage ring's check, as a ring of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bucketline.config.scripts.old import OldFile, Where
from bucketline.config.scripts.translated import KEYS, Translated, Value, Word
from bucketline.config.scripts.words import SPARK, Meaning, Needless, OfRing
from bucketline.errors import UsageError, printable
from bucketline.settings import Secret, check_endpoint

BUCKETD = "http://127.0.0.1:9000"  # Where the script that exported the metadata asked.
_PORT = 81
_DAY = 86_400
_GRACE_MAX = 3650  # Days.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?")
_ALIAS = re.compile(r"/*(?:rebuild|proxy)/([A-Za-z0-9_.-]+)/*")
_BUCKET = re.compile(r"/*([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/+(.*))?")
_PROTECTION = re.compile(r"\d{1,2}\+\d{1,2}")
_IN_BUCKET = {"access_key", "secret_key", "endpoints"}


@dataclass
class _Ring:
    """One file under way."""

    old: OldFile
    verify_tls: bool
    bucketd: str

    @property
    def is_in_bucket(self) -> bool:
        return bool(self.old.value(("protocol",)) == "s3a")

    def text(self, *where: str, is_needed: bool = False) -> str:
        value = self.old.value(where)
        if isinstance(value, str) and value:
            return str(value).strip()
        if value not in (None, ""):
            self.old.complain(where, "must be text; put it in quotes")
        elif is_needed:
            self.old.complain(where, "is missing; add it")
        return ""

    def fitting(self, where: str, shape: re.Pattern[str], why: str) -> re.Match[str] | None:
        """The word as it must be written; what is not is complained of."""
        value = self.text(where, is_needed=True)
        found = shape.fullmatch(value)
        if value and found is None:
            self.old.complain((where,), why)
        return found

    def url(self, *where: str) -> str:
        value = self.text(*where, is_needed=True)
        try:
            if value:
                check_endpoint(value)
        except UsageError as error:
            self.old.complain(where, str(error))
        return value

    def words(self) -> dict[str, Value]:
        """Of the ring, in the order in which they are written."""
        found = {"path": self._path(), "supervisor": self.said(self.url("sup", "url"), "sup.url")}
        host = self.fitting("srebuildd_ip", _HOST, "must be a host, or host:port")
        address = host[0] if host and host[1] else f"{host[0]}:{_PORT}" if host else ""
        found["bucketd"] = Value(self.bucketd, "" if self.bucketd != BUCKETD else "not said there")
        found["rebuild"] = self.said(f"http://{address}", "srebuildd_ip")
        if login := self.text("sup", "login"):
            found["login"] = self.said(login, "sup.login")
        for alias in ("arc", "arcdata", "chord"):
            word = f"srebuildd_{alias}_path"
            if match := self.fitting(word, _ALIAS, f"must be a path as rebuild/{alias}-DATA"):
                found[f"{alias}_alias"] = self.said(match[1], word)
        if grace := self._grace_days():
            found["grace_days"] = self.said(grace, "retention")
        if not self.verify_tls:
            found["verify_tls"] = Value(value=False, origin="as the scripts did: unsafe")
        self._check_protection()
        return found

    def said(self, value: object, word: str) -> Value:
        where: Where = tuple(word.split("."))
        return Value(value, f"{word}, line {self.old.line(where)}")

    def _path(self) -> Value:
        protocol = self.fitting("protocol", re.compile("file|s3a"), "must be file or s3a")
        if protocol is None or protocol[0] == "file":
            return self.said(self.text("path", is_needed=True), "path")
        why = "must be a bucket, or bucket/prefix, as protocol is s3a"
        self.fitting("path", _BUCKET, why)
        return Value("rings", "a folder beside this file: runs are kept on a disk")

    def _grace_days(self) -> int:
        seconds = self.old.value(("retention",))
        if seconds is None:
            return 0
        is_number = isinstance(seconds, int) and not isinstance(seconds, bool)
        if not is_number or not 0 < seconds <= _GRACE_MAX * _DAY:
            self.old.complain(("retention",), "must be a whole number of seconds, up to ten years")
            return 0
        return int(-(-seconds // _DAY))

    def _check_protection(self) -> None:
        """They decide nothing here; what is wrong in them is told all the same."""
        arc, copies = (self.old.value((word,)) for word in ("arc_protection", "cos_protection"))
        if arc is not None and not (isinstance(arc, str) and _PROTECTION.fullmatch(arc)):
            self.old.complain(("arc_protection",), "must be data+coding chunks, as in 8+4")
        if copies is not None and copies not in range(10):
            self.old.complain(("cos_protection",), "must be a class of service, from 0 to 9")

    def remote(self) -> dict[str, Value]:
        """Where the results are, if in a bucket."""
        return {"endpoints": self.said(self.url("s3", "endpoint"), "s3.endpoint")}

    def keys(self) -> tuple[Secret, Secret]:
        access_key, secret_key = (self.text("s3", word, is_needed=True) for word in KEYS)
        return Secret(access_key), Secret(secret_key)

    def results(self) -> str:
        """Where the old ones are, as a location."""
        path = str(self.old.value(("path",)))
        if not self.is_in_bucket:
            return path
        return f"{self.old.value(('ring',))}-old:{path.strip('/')}/"


def translate_ring(old: OldFile, *, verify_tls: bool = True, bucketd: str = BUCKETD) -> Translated:
    """All of it, or `ConfigError` with every error."""
    under_way = _Ring(old, verify_tls, bucketd)
    match = under_way.fitting("ring", _NAME, "is no name; use letters, digits, '_', '-' and '.'")
    name = match[0] if match else ""
    words = under_way.words()
    is_there = under_way.is_in_bucket
    remotes = {f"{name}-old": under_way.remote()} if is_there else {}
    keys = {f"{name}-old": under_way.keys()} if is_there else {}
    password = under_way.text("sup", "password")
    old.raise_complaints()
    path = printable(str(old.path))
    secret = {("sup", "password"), *(("s3", word) for word in KEYS)}
    return Translated(
        old=path,
        job=name,
        remotes=remotes,
        job_words={},
        keys=keys,
        words=tuple(_word(under_way, where, meaning) for where, meaning in old.said()),
        secret_lines=tuple(old.line(where) for where in sorted(secret) if old.value(where)),
        notes=tuple(_notes(under_way, name)),
        ring_words=words,
        passwords={name: (Secret(password),)} if password else {},
        next_command=f"ring doctor {name}",
    )


def _word(ring: _Ring, where: Where, meaning: Meaning | None) -> Word:
    name = ".".join(printable(str(step)) for step in where)
    if meaning is None and str(where[0]).startswith("spark"):
        meaning = SPARK
    fate, said = _fate(ring, meaning)
    return Word(name, ring.old.line(where), fate, said)


def _fate(ring: _Ring, meaning: Meaning | None) -> tuple[str, str]:
    name: Any = ring.old.value(("ring",))
    match meaning:
        case Needless(why):
            return "needless", f"has no meaning any more: {why}"
        case OfRing("name" | "protocol"):
            return "taken", f"taken over as rings.{name}"
        case OfRing("path") if ring.is_in_bucket:
            return (
                "left",
                f"left out: runs are kept on a disk; what was found is at {ring.results()}",
            )
        case OfRing(what) if what in _IN_BUCKET and not ring.is_in_bucket:
            return "left", "left out: the results are in a folder, as protocol says"
        case OfRing(what) if what in _IN_BUCKET:
            return "taken", f"taken over as remotes.{name}-old.{what}"
        case OfRing(what):
            return "taken", f"taken over as rings.{name}.{what}"
    return "unknown", "left out: the scripts knew no such word"


def _notes(ring: _Ring, name: str) -> list[str]:
    found = []
    if ring.bucketd == BUCKETD:
        why = "where its export asked; correct rings.{}.bucketd, or say --bucketd URL"
        found.append(
            f"the old file does not say where bucketd is: taken is {BUCKETD}, {why}".format(name)
        )
    if str(ring.old.value(("sup", "url"))).startswith("https:"):
        if ring.verify_tls:
            found.append(
                f"{name}: the scripts trusted any certificate, this does not; give ca_bundle: FILE,"
                " or say verify_tls: false: unsafe"
            )
        else:
            found.append(f"{name}: whoever answers is trusted, as by the scripts; that is unsafe")
    if isinstance(master := ring.old.value(("master",)), str) and master.startswith("spark:"):
        found.append(
            f"on that cluster: ring run {name} --engine spark --master {printable(master)}"
        )
    return found
