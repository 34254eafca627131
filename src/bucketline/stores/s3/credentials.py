"""Which keys to sign with: those given, or those that the AWS configuration leads to."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from bucketline.clock import Clock
from bucketline.errors import BadCredentials, BucketlineError, StoreError
from bucketline.settings import Keys, KeySource, Remote, Secret

_EARLY_SECONDS = 300.0  # Renewed so long before they expire,
_AGAIN_SECONDS = (
    30.0  # and asked for again after so long when that failed or brought nothing better.
)
NEVER = float("inf")


class Credentials:
    """Keys, fetched when needed and renewed in time; `load` may block and is safe in any thread."""

    def __init__(self, source: KeySource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._loaded = False
        self._keys: Keys | None = None
        self._good_until = 0.0

    def load(self, stale: Keys | None = None) -> tuple[Keys | None, float]:
        """The keys and how long they need no look; `stale` ones are not to be used again."""
        with self._lock:
            now = self._clock.now()
            is_stale = stale is not None and self._keys is stale
            if not self._loaded or is_stale or now >= self._good_until:
                self._refresh(now, is_stale=is_stale)
            return self._keys, self._good_until

    def _refresh(self, now: float, *, is_stale: bool) -> None:
        try:
            keys = self._source()
        except StoreError:
            if is_stale or self._keys is None or now >= self._keys.expires:
                raise
            keys = self._keys
        early = keys.expires - _EARLY_SECONDS if keys and keys.expires else NEVER
        self._keys, self._good_until = keys, max(early, now + _AGAIN_SECONDS)
        self._loaded = True


def source_of(remote: Remote) -> KeySource:
    """Where the keys of `remote` come from: anonymous, given, or the AWS chain, in this order."""
    if remote.anonymous:
        return lambda: None
    if remote.keys is not None:
        return _given(remote)
    return lambda: _from_chain(remote.profile)


def _given(remote: Remote) -> KeySource:
    """The keys that were given; asked once more, those that are there by now."""
    given = [remote.keys]

    def source() -> Keys | None:
        if given or remote.keys_again is None:
            return given.pop() if given else remote.keys
        try:
            return remote.keys_again()
        except BucketlineError as error:
            raise BadCredentials(str(error)) from None

    return source


def needs_no_work(remote: Remote) -> bool:
    """Whether `source_of(remote)` answers at once."""
    return remote.anonymous or remote.keys is not None


def aws_settings(profile: str = "") -> tuple[str, str]:
    """Endpoint URL and region for S3 by the AWS configuration files; "" where they are silent."""
    session, errors = _botocore(profile)
    try:
        scoped: dict[str, Any] = session.get_scoped_config()
        services: dict[str, Any] = session.full_config.get("services", {})
    except errors as error:
        raise BadCredentials(_reason(error)) from None
    service = services.get(str(scoped.get("services", "")), {}).get("s3", {})
    endpoint = service.get("endpoint_url", "") if isinstance(service, dict) else ""
    return str(endpoint or scoped.get("endpoint_url", "")), str(scoped.get("region", ""))


def _from_chain(profile: str) -> Keys:
    """Profiles, SSO, credential_process, web identity, instance roles: a new look every time."""
    session, errors = _botocore(profile)
    try:
        credentials = session.get_credentials()
        frozen = credentials.get_frozen_credentials() if credentials else None
    except errors as error:
        raise BadCredentials(_reason(error)) from None
    if frozen is None or not frozen.access_key:
        where = f"the profile {profile}" if profile else "the environment or the AWS files"
        raise BadCredentials(
            f"no credentials in {where}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a"
            " --profile, or say --no-sign-request"
        )
    expires = getattr(credentials, "_expiry_time", None)  # botocore has no public name for it.
    return Keys(
        frozen.access_key,
        Secret(frozen.secret_key),
        Secret(frozen.token or ""),
        expires.timestamp() if isinstance(expires, datetime) else 0.0,
    )


def _botocore(profile: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """A session, and what it raises; a role that is refused is a ClientError, which is no other
    error of its own, and a program that tells no JSON a ValueError.
    """
    # Imported here because it takes longer than most runs that bring their own keys.
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

    return Session(profile=profile or None), (BotoCoreError, ClientError, ValueError)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    said = lines[0][:200] if lines else type(error).__name__
    return f"the AWS configuration gives no credentials: {said}; sign in again or correct it"
