"""Uploads that were begun and never ended: they cost money, and no listing shows them."""

from __future__ import annotations

from bucketline.engines.doctor.finding import UNKNOWN, Finding, Patient
from bucketline.errors import StoreError
from bucketline.sizes import show_seconds, show_size
from bucketline.stores.base import OpenUpload

_ABOUT = "unfinished uploads"
_ASKED_MAX = 50  # Uploads whose parts are added up: each is a request.


def about_uploads(patient: Patient, prefix: str) -> Finding:
    """How many there are, how old, and how large; nothing is done about them."""
    try:
        uploads = patient.ask(patient.store.list_uploads(prefix))
    except StoreError as error:
        return Finding(_ABOUT, UNKNOWN, f"{error.cause}: {error}")
    if not uploads:
        return Finding(_ABOUT, "none")
    age = patient.clock.now() - min(upload.begun for upload in uploads)
    detail = f"the oldest began {show_seconds(max(1.0, age))} ago; {_size(patient, uploads)}"
    return Finding(_ABOUT, f"{len(uploads):,}", detail)


def _size(patient: Patient, uploads: list[OpenUpload]) -> str:
    size = 0
    for upload in uploads[:_ASKED_MAX]:
        try:
            parts = patient.ask(patient.store.list_parts(upload.key, upload.upload))
        except StoreError:
            return "nobody tells how large they are"
        size += sum(part.size for part in parts)
    shown = show_size(size)
    return f"{shown} in the first {_ASKED_MAX}" if len(uploads) > _ASKED_MAX else f"{shown} in all"
