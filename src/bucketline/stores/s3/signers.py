"""Which way of signing a place needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bucketline.settings import Keys
from bucketline.stores.s3.endpoint import EVERY_REGION, Place
from bucketline.stores.s3.sign import Signer


class Signs(Protocol):
    """Signs requests and URLs with one pair of keys."""

    @property
    def keys(self) -> Keys: ...

    def headers(self, what: str, headers: dict[str, str], payload: str, now: float) -> list[str]:
        """Every header to send, the signature among them."""

    def presigned(
        self,
        method: str,
        host: str,
        path: str,
        *,
        query: Mapping[str, str],
        now: float,
        seconds: int,
    ) -> str:
        """The query string of a URL that anyone may use for so many seconds: a secret."""


def signer_of(keys: Keys, place: Place) -> Signs:
    """What signs requests to `place`."""
    if place.region != EVERY_REGION:
        return Signer(keys, place.region, place.service)
    # Imported here: only multi-region access points want it, and it loads a large library.
    from bucketline.stores.s3.sign_regions import RegionsSigner

    return RegionsSigner(keys, place.service)
