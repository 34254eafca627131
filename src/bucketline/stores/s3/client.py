"""Sends a signed request, and learns from what comes back: time, region, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from bucketline.arns import access_point
from bucketline.clock import Clock
from bucketline.errors import ClockSkew, StoreError, Unholdable, Unsupported
from bucketline.model import NOTHING
from bucketline.settings import Keys, KeySource, Remote, is_loopback
from bucketline.sizes import show_seconds
from bucketline.stores.base import Answer, Flow, Request, Work
from bucketline.stores.s3 import manners, outage, recover
from bucketline.stores.s3.abilities import abilities_of
from bucketline.stores.s3.address import Address, Turn
from bucketline.stores.s3.answers import error_of
from bucketline.stores.s3.credentials import Credentials, needs_no_work, source_of
from bucketline.stores.s3.endpoint import Place, is_aws, place_of
from bucketline.stores.s3.headers import from_date
from bucketline.stores.s3.pool import Pool
from bucketline.stores.s3.sealing import Seal
from bucketline.stores.s3.sign import EMPTY, UNSIGNED, encoded_path, encoded_query
from bucketline.stores.s3.signers import signer_of

_SKEW_SECONDS = 300.0  # Servers tolerate 15 minutes: correct well before.
_EXPIRES_MAX = 7 * 86_400
_ENDPOINT = "x-bucketline-endpoint"  # Where a refusal comes from, if there are several.


class Call(NamedTuple):
    """One S3 operation, not yet signed."""

    method: str
    key: str | None  # None = the bucket itself.
    kind: str
    query: str = ""  # As `encoded_query` makes it.
    headers: Mapping[str, str] = NOTHING
    body: bytes | memoryview = b""
    is_bound: bool = False  # A signed header has a hash of the body.
    is_once: bool = False  # Made twice, it has another effect.
    is_large: bool = False  # The answer's body is.


class Begun(NamedTuple):
    """What is known of an upload that this client began."""

    size: int
    since: float  # By the server's clock.
    tags: Mapping[str, str]


class Client:
    """One bucket of one service: how to reach it, what to sign with, what it can do."""

    def __init__(
        self, remote: Remote, bucket: str, *, clock: Clock, keys: KeySource | None = None
    ) -> None:
        self.remote = remote
        self.bucket = bucket
        self.clock = clock
        self.name = f"s3://{bucket}/" if remote.name == "s3" else f"{remote.name}:{bucket}/"
        self.is_aws = is_aws(remote)
        self.able = abilities_of(remote, is_aws=self.is_aws)
        self.point = access_point(bucket)  # None = the bucket goes by its own name.
        self.pool = Pool(remote, bucket, clock)
        self.signs_body = False  # Learnt from a server that refuses unsigned payloads.
        self.lists_v1 = False
        self.thaws: dict[str, tuple[bool, float]] | None = None  # None = listings tell none.
        self.cut_short: set[str] = set()  # Prefixes whose last listing may lack objects.
        self.plus_is_blank: bool | None = None  # In url-encoded listings; None = not known yet.
        self.deletes_in_batches = True
        self.tells_checksums: bool | None = self.is_aws  # When asked; None = not to be asked.
        self.knows_tags = self.is_aws  # That ?tagging is not taken for the object itself.
        self.tells_parts = True  # HEAD tells of an object's parts, until it has not.
        self.seal = Seal(remote.customer_key) if remote.customer_key else None
        self.knows_acl: bool | None = self.is_aws or None  # The same of ?acl; False = it does not,
        self.knows_locks = self.is_aws  # and of ?retention and ?legal-hold.
        self.copies_in_place = self.is_aws  # A copy of an object onto itself leaves its bytes.
        self.finishes_as_listed = self.is_aws  # The last step of parts tells the ETag that stays.
        self.begun: dict[str, Begun] = {}  # By the upload's name.
        self.begun_again: set[str] = set()  # Keys of which one may have been begun unseen.
        self.manners: manners.Manners | None = None  # What earlier runs have learnt.
        self._credentials = Credentials(keys or source_of(remote), clock)
        self._good_until = 0.0
        if keys is None and needs_no_work(remote):
            self._use(*self._credentials.load())

    def send(self, call: Call) -> Flow[Answer]:
        """The answer to `call`, a success; raises by cause."""
        answer = yield from self.exchange(call)
        if answer.status >= 300:
            raise self.error(answer, call.key)
        return answer

    def exchange(self, call: Call) -> Flow[Answer]:
        """The answer to `call`, whatever it is, after what could be corrected on our side was."""
        now = self.clock.now()
        if now >= self._good_until:
            yield from self.renew()
        pool, size = self.pool, len(call.body)
        turn = pool.ready
        if turn is not None and turn.address.under_way < turn.address.crowd.most:
            turn.address.under_way += 1
        else:
            turn = pool.turn(size)
            if turn is None:
                turn = yield from outage.awaited(self, size)
                now = self.clock.now()
        address = turn.address
        try:
            answer: Answer = yield self.request(call, now, address)
        except StoreError as error:
            if not pool.failed(turn, error):
                raise
            answer, turn = yield from outage.elsewhere(self, call, turn, error)
        else:
            if pool.ready is turn and answer.status < 300:
                address.under_way -= 1
                address.requests += 1
                address.bytes_read += len(answer.body)
                address.bytes_written += size
                return answer
            if pool.answered(turn, answer, size):
                answer, turn = yield from outage.elsewhere(self, call, turn, answer)
        if turn.address.is_met and answer.status < 300:
            return answer
        return self._named(turn, (yield from recover.settled(self, call, answer, turn)))

    def carried(self, call: Call, turn: Turn) -> Flow[Answer]:
        """The answer that one exchange at `turn` brings, and nothing else done about it."""
        now = self.clock.now()
        try:
            if now >= self._good_until:
                yield from self.renew()
            answer: Answer = yield self.request(call, now, turn.address)
        except StoreError as error:
            self.pool.failed(turn, error)
            raise
        self.pool.answered(turn, answer, len(call.body))
        return answer

    def probed(self, address: Address) -> Flow[Answer]:
        """Ask an address whether it is back."""
        call = Call("HEAD", None, "HEAD")
        return self.carried(call, self.pool.at(address, 0))

    def request(self, call: Call, now: float, address: Address) -> Request:
        """`call` to `address`, signed as of `now`."""
        place, key, signer = address.place, call.key, address.signer
        path = place.path or "/" if key is None else f"{place.path}/{self._encoded(key)}"
        headers = {"host": place.host, **call.headers}
        if self.seal is not None:
            headers |= self.seal.headers(call)
        query, body = call.query, call.body
        url = f"{place.root}{path}?{query}" if query else place.root + path
        if signer is None:
            lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
        else:
            if not body:
                payload = EMPTY
            elif (call.is_bound or "content-md5" in headers) and not self.signs_body:
                payload = UNSIGNED
            else:
                payload = sha256(body).hexdigest()
            lines = signer.headers(
                f"{call.method}\n{path}\n{query}", headers, payload, now + address.offset_seconds
            )
        request = Request(call.method, url, lines, address.route, body, call.kind)
        request.is_once, request.is_large = outage.is_alone(self, call, address), call.is_large
        return request

    def presigned(self, method: str, key: str, seconds: int, query: Mapping[str, str]) -> Flow[str]:
        """A URL that anyone may use for `seconds`: a secret."""
        if not 0 < seconds <= _EXPIRES_MAX:
            raise Unholdable("a presigned URL lasts from 1 second to 7 days", store=self.name)
        now = self.clock.now()
        if now >= self._good_until:
            yield from self.renew()
        address = self.pool.first
        place, signer = address.place, address.signer
        path = f"{place.path}/{self._encoded(key)}"
        if signer is None:
            coded = encoded_query(query)
        else:
            at = now + address.offset_seconds
            coded = signer.presigned(method, place.host, path, query=query, now=at, seconds=seconds)
        return f"{place.root}{path}?{coded}".removesuffix("?")

    def renew(self, stale: Keys | None = None) -> Flow[None]:
        """Get keys that are not `stale`, on a thread of the driver's: it may take long."""
        loaded = yield Work(lambda: self._credentials.load(stale), "credentials")
        self._use(*loaded)

    @property
    def place(self) -> Place:
        """Where the bucket is, at the first of its endpoints."""
        return self.pool.first.place

    def relocate(self, address: Address, region: str, endpoint: str = "") -> None:
        """The server says where the bucket really is."""
        place = place_of(self.remote, self.bucket, region, endpoint or address.url)
        if address.signer is not None:
            address.signer = signer_of(address.signer.keys, place)
        address.place = place
        self.pool.unready()

    def meet(self, address: Address, answer: Answer) -> None:
        """Its first success: whose clock it goes by, and what earlier runs knew of it."""
        self.learn_time(address, answer)
        is_first = not any(one.is_met for one in self.pool.addresses)
        address.is_met, address.server = True, answer.headers.get("server", "")
        if self.manners is not None and not self.is_aws:
            facts = self.manners.of(address.place.root, address.server)
            manners.taken_by(self, facts, is_first=is_first)

    def learn_time(self, address: Address, answer: Answer) -> float:
        """Take the server's clock for ours when they are far apart; the difference in seconds."""
        address.is_dated = True
        offset = self._offset(answer)
        far = offset is not None and abs(offset - address.offset_seconds) > _SKEW_SECONDS
        if offset is not None and far:
            address.offset_seconds = offset if abs(offset) > _SKEW_SECONDS else 0.0
            address.is_corrected = True
        return address.offset_seconds if far else 0.0

    def ahead(self, answer: Answer) -> float:
        """By how many seconds the server's clock was ahead of ours when it answered."""
        return self._offset(answer) or 0.0

    def _offset(self, answer: Answer) -> float | None:
        """The server's clock minus ours; None = it does not tell its time."""
        server = from_date(answer.headers.get("date", ""))
        return server - self.clock.now() if server else None

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can change what is sent: TLS, or this very machine."""
        return all(_is_private(address) for address in self.pool.addresses)

    @property
    def asks_checksums(self) -> bool:
        """Whether a reading of a whole object should ask for its checksum, too."""
        return bool(self.tells_checksums or self.able.checksums)

    def learn(self, **known: bool | frozenset[str]) -> None:
        """Something about this server's abilities has shown."""
        self.able = replace(self.able, **known)  # type: ignore[arg-type]

    def error(self, answer: Answer, key: str | None = None) -> StoreError:
        """The error that `answer` is, without anything secret in it."""
        signer = self.pool.first.signer
        keys = signer.keys if signer else None
        secrets = (keys.secret_key.reveal, keys.session_token.reveal) if keys else ()
        error = error_of(answer, store=self.name, key=key or "", secrets=secrets)
        if not self.is_aws:  # Only Amazon's support asks for the second, long one.
            error.request_id = error.request_id.partition(" ")[0]
        if self.remote.name == "s3" and self.remote.endpoints:
            error.endpoint = self.place.root
        error.endpoint = answer.headers.get(_ENDPOINT, error.endpoint)
        if isinstance(error, ClockSkew) and (offset := self._offset(answer)):
            side = "ahead" if offset > 0 else "behind"
            error.message += f"; the server's is {show_seconds(abs(offset))} {side}"
        return error

    def need_bucket(self, what: str) -> None:
        """Raise `Unsupported` at an access point, which takes what is about objects alone."""
        if self.point is not None:
            said = f"the {self.point.kind.value} cannot {what}; name the bucket itself"
            raise Unsupported(said, store=self.name)

    def _use(self, keys: Keys | None, good_until: float) -> None:
        # The signer first: whoever finds the keys good must find them in place.
        for address in self.pool.addresses:
            address.signer = signer_of(keys, address.place) if keys else None
        self.pool.unready()
        self._good_until = good_until

    def _named(self, turn: Turn, answer: Answer) -> Answer:
        """A refusal tells where it comes from."""
        if answer.status < 300 or len(self.pool.addresses) == 1:
            return answer
        return answer._replace(headers={**answer.headers, _ENDPOINT: turn.address.name})

    def _encoded(self, key: str) -> str:
        if not key:  # Would name the bucket.
            raise Unholdable("an object needs a key that is not empty", store=self.name)
        try:
            return encoded_path(key)
        except UnicodeEncodeError:
            raise Unholdable("the key is not text; rename it", store=self.name, key=key) from None


def _is_private(address: Address) -> bool:
    root = address.place.root
    is_tls = root.startswith("https:") and address.route.verify_tls
    return is_tls or is_loopback(root) is not None
