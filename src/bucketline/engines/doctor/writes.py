"""Trials on scratch objects under a prefix; everything that was written is deleted again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from bucketline.clock import Clock
from bucketline.engines.doctor.checksums import try_checksums
from bucketline.engines.doctor.finding import (
    NO,
    Bucket,
    Caller,
    Finding,
    Patient,
    unknown,
    yes_or_no,
)
from bucketline.errors import BadRequest, Conflict, Mismatch, NotFound, StoreError, printable
from bucketline.model import Attributes, Entry
from bucketline.stores.base import Store
from bucketline.stores.beyond import note

_BODY = b"bucketline doctor\n"
_MD5 = hashlib.md5(_BODY, usedforsecurity=False)
_ATTRIBUTES = Attributes(
    headers={"content-type": "text/x-doctor", "cache-control": "no-cache"},
    metadata={"doctor": "1"},
)
_ODD_KEYS = (
    "double//slash",
    "/leading slash",
    "trailing/",
    "dot/./dot",
    "up/../up",
    "blank plus+percent%20",
    "new\nline",
    "umlaut-ä-emoji-😀",
    "quote'\"<&>",
    "long-" + "x" * 800,
)


class Trials:
    """One stay under a scratch prefix."""

    def __init__(self, patient: Patient, scratch: str) -> None:
        self.patient = patient
        self.store: Store = patient.store
        self.scratch = scratch
        self.written: list[str] = []

    def all(self) -> Iterator[Finding]:
        """One trial after the other; without writing there are no others."""
        first = self._plain()
        yield first[0]
        if first[0].answer == NO:
            yield from unknown(["everything else"], "nothing could be written")
            return
        yield from first[1:]
        trials: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._wrong_md5,
            self._condition,
            self._attributes,
            self._checksums,
            self._parts,
            self._bucket_verbs,
            self._odd_keys,
        )
        for trial in trials:
            yield from trial()

    def clean_up(self) -> Finding:
        """Delete what was written, and look whether it is gone."""
        for key in dict.fromkeys(self.written):
            self._delete(key)
        try:
            for key in self._listed():  # Some servers list a key under another name.
                self._delete(key)
            left = self._listed()
        except StoreError as error:
            return Finding("deletes", NO, f"{error.cause}: {error}")
        shown = ", ".join(printable(key)[:80] for key in left[:5])
        return yes_or_no("deletes", not left, f"please delete by hand: {shown}" if left else "")

    def _delete(self, key: str) -> None:
        with suppress(StoreError):  # Whether it worked is seen in the listing.
            self.patient.ask(self.store.delete(key))

    def _listed(self) -> list[str]:
        return [entry.key for entry in self.patient.ask(self.store.page(self.scratch)).entries]

    def _write(self, name: str, attributes: Attributes | None = None) -> str:
        """The etag; raises `StoreError`."""
        key = self.scratch + name
        self.written.append(key)
        digest = _MD5.digest()
        write = self.store.write(key, _BODY, attributes=attributes or Attributes(), md5=digest)
        return self.patient.ask(write).etag

    def _plain(self) -> list[Finding]:
        try:
            etag = self._write("plain")
            body = self.patient.ask(self.store.read(f"{self.scratch}plain")).body
            listed = self.patient.ask(self.store.page(self.scratch)).entries
        except StoreError as error:
            return [Finding("writes", NO, f"{error.cause}: {error}")]
        return [
            yes_or_no("writes", body == _BODY, "" if body == _BODY else "other bytes came back"),
            yes_or_no("lists what was just written", listed),
            yes_or_no("etag is the MD5", etag == _MD5.hexdigest(), etag),
        ]

    def _wrong_md5(self) -> Iterator[Finding]:
        about, key = "refuses bytes with a wrong MD5", f"{self.scratch}wrong"
        self.written.append(key)
        try:
            self.patient.ask(self.store.write(key, _BODY, md5=hashlib.md5(b"").digest()))
        except (Mismatch, BadRequest):
            yield yes_or_no(about, answer=True)
        except StoreError as error:
            yield Finding(about, NO, f"{error.cause}: {error}")
        else:
            yield Finding(about, NO, "damage on the way in shows only when etags are compared")

    def _condition(self) -> Iterator[Finding]:
        about, key, before = (
            "refuses to replace (If-None-Match)",
            f"{self.scratch}plain",
            self.store.able,
        )
        if isinstance(
            self.store, Bucket
        ):  # Else the store itself looks first, and hides the server.
            self.store.learn(replace(before, conditional_write=True))
        try:
            self.patient.ask(self.store.write(key, _BODY, if_absent=True))
            yield Finding(about, NO, "it replaced the object")
        except Conflict:
            yield yes_or_no(about, answer=True)
        except StoreError as error:
            yield Finding(about, NO, f"{error.cause}: {error}")
        finally:
            if isinstance(self.store, Bucket):
                self.store.learn(before)

    def _attributes(self) -> Iterator[Finding]:
        about = "keeps metadata and headers"
        try:
            self._write("attributes", _ATTRIBUTES)
            found = self.patient.ask(self.store.stat(f"{self.scratch}attributes"))
        except StoreError as error:
            yield Finding(about, NO, f"{error.cause}: {error}")
            return
        kept, lost = found.attributes, []
        for name, value in _ATTRIBUTES.headers.items():
            lost += [name] if kept.headers.get(name) != value else []
        for name, value in _ATTRIBUTES.metadata.items():
            lost += [name] if kept.metadata.get(name) != value else []
        yield yes_or_no(about, not lost, f"lost: {', '.join(lost)}" if lost else "")
        told = ", ".join(sorted(found.checksums)) or "none"
        yield Finding("checksums told of new objects", told)

    def _checksums(self) -> Iterator[Finding]:
        if isinstance(self.store, Bucket):
            key = f"{self.scratch}checksums"
            self.written.append(key)
            yield try_checksums(self.patient, self.store, key)

    def _parts(self) -> Iterator[Finding]:
        about, key, store = "writes in parts", f"{self.scratch}parts", self.store
        try:
            self._write("parts")
            upload = self.patient.ask(store.begin(key, len(_BODY)))
            keeps = self._stands(key)
            part = self.patient.ask(store.part(key, upload, 1, _BODY, offset=0))
            receipt = self.patient.ask(store.finish(key, upload, [part.etag]))
            entry = self.patient.ask(store.stat(key)).entry
        except StoreError as error:
            yield Finding(about, NO, f"{error.cause}: {error}")
            return
        yield yes_or_no(about, entry.size == len(_BODY))
        note(store, begin_keeps_object=keeps)
        yield yes_or_no(
            "an object stands until its new parts are finished",
            keeps,
            "" if keeps else "none will be begun over one there",
        )
        expected = f"{hashlib.md5(_MD5.digest(), usedforsecurity=False).hexdigest()}-1"
        etag = receipt.etag or entry.etag
        yield yes_or_no("etag of parts is the MD5 of their MD5s", etag == expected, etag)

    def _stands(self, key: str) -> bool:
        try:
            self.patient.ask(self.store.stat(key))
        except NotFound:
            return False
        return True

    def _bucket_verbs(self) -> Iterator[Finding]:
        store, key = self.store, f"{self.scratch}plain"
        if not isinstance(store, Bucket):
            return
        copied = f"{self.scratch}copied"
        self.written.append(copied)
        source = Entry(key, len(_BODY))
        yield self.patient.asked(
            "copies on its own",
            store.copy(copied, store.bucket, source),
            lambda receipt: yes_or_no("copies on its own", receipt.etag == _MD5.hexdigest()),
        )
        yield self._tags(store, key)

    def _tags(self, store: Bucket, key: str) -> Finding:
        about, tags = "keeps tags", {"doctor": "1"}
        try:
            self.patient.ask(store.set_tags(key, tags))
            kept = self.patient.ask(store.tags(key))
            is_whole = self.patient.ask(store.read(key)).body == _BODY
        except StoreError as error:
            return Finding(about, NO, f"{error.cause}: {error}")
        detail = "" if is_whole else "and setting them destroyed the object"
        return yes_or_no(about, kept == tags and is_whole, detail)

    def _odd_keys(self) -> Iterator[Finding]:
        lost = [name for name in _ODD_KEYS if not self._holds(name)]
        shown = ", ".join(printable(name[:24]) for name in lost)
        yield yes_or_no("holds odd keys", not lost, f"not: {shown}" if lost else "")

    def _holds(self, name: str) -> bool:
        key = self.scratch + name
        try:
            self._write(name)
            self.patient.ask(self.store.stat(key))
            listed = self.patient.ask(self.store.page(key)).entries
        except StoreError:
            return False
        return any(entry.key == key for entry in listed)


def try_writes(store: Store, scratch: str, drive: Caller, clock: Clock) -> Iterator[Finding]:
    """What can be found out by writing under `scratch`, which is empty again in the end."""
    trials = Trials(Patient(store, drive, clock), scratch)
    try:
        yield from trials.all()
    finally:
        done = trials.clean_up()
    yield done
