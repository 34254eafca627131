"""Who may ask the service what. Only hashes of tokens are kept, in a file for their owner alone."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import Enum
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from bucketline.clock import Clock
from bucketline.durable import replace_file
from bucketline.errors import DiskError, UsageError

SCOPES = ("read", "run")  # Who may run may read.
_FAILURES, _SECONDS = 10, 60.0  # So many wrong ones of a client in so long, and it has to wait.
_CLIENTS = 10_000  # That are remembered.
_PREFIX = "bl_"


@dataclass(frozen=True, slots=True)
class Token:
    """One, without its secret."""

    id: str
    name: str
    scope: str
    hash: str
    made: float
    expires: float = 0.0  # 0 = never.
    revoked: float = 0.0


class Verdict(Enum):
    """What became of who asked."""

    FINE = "fine"
    NONE = "no token"
    WRONG = "wrong token"
    EXPIRED = "expired token"
    REVOKED = "revoked token"
    SCOPE = "the token may only read"
    SLOW = "too many wrong tokens"
    UNKNOWN = "the tokens cannot be read; `bucketline token list` says why, on the machine"


class Tokens:
    """The file, read again whenever it has changed: what is revoked is out at once."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._began = clock.now(), clock.monotonic()
        self._stamp: tuple[int, int, int] | None = None
        self._all: list[Token] = []
        self._lock = Lock()

    def all(self) -> list[Token]:
        """Also the expired ones, and the revoked."""
        with self._lock:
            self._load()
            return list(self._all)

    def create(self, name: str, scope: str, expires: float) -> tuple[Token, str]:
        """A new one, and its secret, which nobody can tell again."""
        if scope not in SCOPES:
            raise UsageError(f"{scope!r} is no scope; there are {', '.join(SCOPES)}")
        secret = f"{_PREFIX}{secrets.token_urlsafe(32)}"
        token = Token(secrets.token_hex(4), name, scope, _hash(secret), self._clock.now(), expires)
        with self._alone():
            self._save([*self._all, token])
        return token, secret

    def revoke(self, wanted: str) -> Token:
        """By its id, or its name."""
        with self._alone():
            found = [one for one in self._all if wanted in (one.id, one.name) and not one.revoked]
            if len(found) != 1:
                said = "there is no token" if not found else f"{len(found)} tokens are called"
                raise UsageError(f"{said} {wanted!r}; `bucketline token list` shows them")
            gone = replace(found[0], revoked=self._clock.now())
            self._save([gone if one is found[0] else one for one in self._all])
            return gone

    def judge(self, given: str, scope: str) -> tuple[Verdict, Token | None]:
        """Every token is compared, each in constant time, whichever it is."""
        if not given:
            return Verdict.NONE, None
        told, found = _hash(given), None
        for token in self.all():
            if hmac.compare_digest(told.encode(), token.hash.encode()):
                found = token
        if found is None:
            return Verdict.WRONG, None
        if found.revoked:
            return Verdict.REVOKED, found
        if found.expires and found.expires <= self._now():
            return Verdict.EXPIRED, found
        if scope == "run" and found.scope != "run":
            return Verdict.SCOPE, found
        return Verdict.FINE, found

    def _now(self) -> float:
        """A clock that is set back gives no expired token its life again."""
        wall, steady = self._began
        return max(self._clock.now(), wall + self._clock.monotonic() - steady)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Also among processes: a token that one revokes must not come back by another's file."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise DiskError(f"{self._path}: cannot be written ({error.strerror})") from None
        try:
            flock(lock, LOCK_EX)
            with self._lock:
                self._stamp = None  # A tick of the file system's clock may hold two changes.
                self._load()
                yield
        finally:
            os.close(lock)

    def _load(self) -> None:
        try:
            told = self._path.stat()
            stamp = (told.st_ino, told.st_mtime_ns, told.st_size)
            if stamp == self._stamp:
                return
            if told.st_mode & 0o077:
                raise UsageError(f"{self._path}: others may read it; make it 0600")
            self._all = [_token(one) for one in json.loads(self._path.read_text())]
        except FileNotFoundError:
            self._all, self._stamp = [], None
            return
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise UsageError(f"{self._path}: the tokens cannot be read ({error})") from None
        self._stamp = stamp

    def _save(self, tokens: list[Token]) -> None:
        replace_file(self._path, json.dumps([asdict(one) for one in tokens], indent=1))
        self._all, self._stamp = tokens, None


class Failures:
    """How often clients came with what is no token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_client: dict[str, deque[float]] = {}
        self._lock = Lock()

    def is_too_many(self, client: str) -> bool:
        with self._lock:
            return len(list(self._lately(client))) >= _FAILURES

    def add(self, client: str) -> None:
        now = self._clock.monotonic()  # The other one may jump, and would lock out for years.
        with self._lock:
            if client not in self._by_client and len(self._by_client) >= _CLIENTS:
                self._by_client.pop(next(iter(self._by_client)))
            self._by_client.setdefault(client, deque(maxlen=_FAILURES)).append(now)

    def _lately(self, client: str) -> Iterator[float]:
        since = self._clock.monotonic() - _SECONDS
        return (one for one in self._by_client.get(client, ()) if one > since)


def _token(told: Any) -> Token:
    """Raises `ValueError` or `TypeError` for what is none."""
    token = Token(**told)
    texts = token.id, token.name, token.scope, token.hash
    times = token.made, token.expires, token.revoked
    if not all(isinstance(one, str) for one in texts) or token.scope not in SCOPES:
        raise ValueError("what is no token is among them")
    if not all(isinstance(one, int | float) for one in times):
        raise ValueError("a token's time is no number")
    return token


def _hash(secret: str) -> str:
    """Secrets are long and random: nothing slower is needed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
