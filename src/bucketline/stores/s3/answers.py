"""What a server's refusal means: from status and code to an error by cause, with what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import NamedTuple
from urllib.parse import urlsplit

from bucketline.errors import (
    BadCredentials,
    BadRequest,
    Broken,
    BucketDenied,
    Busy,
    ClockSkew,
    Conflict,
    Denied,
    ExpiredCredentials,
    Mismatch,
    NeedsThaw,
    NoBucket,
    NoRoom,
    NotFound,
    ServerFault,
    StoreError,
    TooLarge,
    Unholdable,
    Unreachable,
    Unsupported,
    printable,
)
from bucketline.stores.base import Answer
from bucketline.stores.s3.headers import from_date

_ERROR = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*<Error[\s>]")
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE).match
_HOST = re.compile(r"[A-Za-z0-9.-]{1,200}(?::\d{1,5})?").fullmatch
# A server may quote our own request back to us: no signature and no signed URL may get out.
_TELLING = re.compile(r"signature=|credential=|x-amz-|authorization|://", re.IGNORECASE)

_CODES: dict[type[StoreError], str] = {
    NotFound: "NoSuchKey NoSuchVersion NoSuchUpload NoSuchTagSet NoSuchObjectLockConfiguration "
    "ObjectLockConfigurationNotFoundError",
    NoBucket: "NoSuchBucket InvalidBucketName PermanentRedirect TemporaryRedirect",
    BucketDenied: "AllAccessDisabled AccountProblem",
    BadCredentials: "InvalidAccessKeyId SignatureDoesNotMatch AuthorizationHeaderMalformed "
    "InvalidToken InvalidSecurity MissingSecurityHeader MissingAuthenticationToken NotSignedUp",
    ExpiredCredentials: "ExpiredToken TokenRefreshRequired ExpiredTokenException",
    ClockSkew: "RequestTimeTooSkewed",
    Busy: "SlowDown SlowDownRead SlowDownWrite ServiceUnavailable Throttling ThrottlingException "
    "RequestLimitExceeded TooManyRequests TooManyRequestsException BandwidthLimitExceeded "
    "OperationAborted ConditionalRequestConflict",
    ServerFault: "InternalError InternalServerError",
    Broken: "RequestTimeout IncompleteBody RequestTimeoutException",
    Mismatch: "BadDigest InvalidDigest XAmzContentSHA256Mismatch XAmzContentChecksumMismatch",
    Conflict: "PreconditionFailed BucketAlreadyExists BucketNotEmpty InvalidBucketState",
    NeedsThaw: "InvalidObjectState ObjectNotInActiveTierError",
    TooLarge: "EntityTooLarge MaxMessageLengthExceeded",
    Unsupported: "NotImplemented MethodNotAllowed UnsupportedOperation",
    Unholdable: "KeyTooLongError KeyTooLong InvalidURI MetadataTooLarge InvalidTag "
    "InvalidStorageClass XMinioInvalidObjectName InvalidObjectName",
    NoRoom: "XMinioStorageFull QuotaExceeded XMinioAdminBucketQuotaExceeded StorageFull",
}
_CAUSES = {code: cause for cause, codes in _CODES.items() for code in codes.split()}
_STATUSES: dict[int, type[StoreError]] = {
    401: BadCredentials,
    404: NotFound,
    405: Unsupported,
    407: Unreachable,
    408: Broken,
    409: Conflict,
    412: Conflict,
    413: TooLarge,
    429: Busy,
    501: Unsupported,
    503: Busy,
    507: NoRoom,
}
_ADVICE: dict[type[StoreError], str] = {
    NotFound: "no such key",
    NoBucket: "no such bucket here; check its name, the endpoint and the region",
    Denied: "not allowed; ask for the permission on this object",
    BucketDenied: "not allowed; ask for the permission on this bucket",
    BadCredentials: "the credentials are not accepted; check access key, secret key and endpoint",
    ExpiredCredentials: "the session has expired; sign in again",
    ClockSkew: "this machine's clock and the server's differ too much; set this machine's",
    Busy: "the server is too busy; try later or with fewer workers",
    ServerFault: "the server failed; try again",
    Broken: "the exchange broke off; try again",
    Mismatch: "other bytes arrived than were sent; try again, and suspect the network if it stays",
    Conflict: "the object or bucket is not in the state that was asked for; look at it",
    NeedsThaw: "the bytes are in an archive tier; `bucketline thaw` the object first",
    TooLarge: "larger than this server takes at once",
    Unsupported: "the server does not know this operation",
    Unholdable: "the server cannot hold this name or attribute; rename or leave it out",
    NoRoom: "the server has no room left; free some or raise the quota",
    Unreachable: "the proxy wants credentials; check the proxy's URL",
    BadRequest: "the server does not take the request as it is; its words may say why",
}


class Refusal(NamedTuple):
    """The parts of an error answer that decide anything."""

    code: str
    message: str
    region: str
    endpoint: str


def refusal(answer: Answer) -> Refusal:
    """What an error answer says; HEAD's says nothing."""
    return Refusal(*(_element(answer.body, name) for name in _REFUSAL))


def is_error(body: bytes) -> bool:
    """Whether the body of a success is an error after all: S3 begins its answer before it knows."""
    return bool(_ERROR.match(body))


def error_of(
    answer: Answer, *, store: str, key: str = "", secrets: Iterable[str] = ()
) -> StoreError:
    """The error that `answer` is, by cause. A call without a key is about the bucket."""
    said = refusal(answer)
    cause = _cause(answer, said.code, has_key=bool(key))
    error = by_cause(cause, said.code, said.message, secrets)
    error.store, error.key = store, key
    headers = answer.headers
    identifiers = (headers.get("x-amz-request-id", ""), headers.get("x-amz-id-2", ""))
    error.request_id = printable(" ".join(filter(None, identifiers)))[:200]
    error.retry_after_seconds = _retry_after(answer)
    if elsewhere := _elsewhere(answer, said):
        error.message = f"the bucket is at {elsewhere}; name that endpoint, or its region"
    elif not said.code:
        page = ", and a web page: is this an S3 endpoint?" if is_web_page(answer) else ""
        error.message += f" (HTTP {answer.status}{page})"
    return error


def is_web_page(answer: Answer) -> bool:
    """Whether this is for people: a login, a proxy's or a load balancer's own words."""
    return bool(_WEB_PAGE(answer.body)) or "text/html" in answer.headers.get("content-type", "")


def _elsewhere(answer: Answer, said: Refusal) -> str:
    """Where a redirect leads that was not followed; "" when it does not say."""
    if not (300 <= answer.status < 400):
        return ""
    host = urlsplit(answer.headers.get("location", "")).netloc or said.endpoint
    return host if _HOST(host) else ""


def by_code(code: str, message: str, *, has_key: bool = True) -> StoreError:
    """The error for a code inside an answer about several objects."""
    return by_cause(_cause(Answer(500, {}, b""), code, has_key=has_key), code, message)


def by_cause(
    cause: type[StoreError], code: str = "", message: str = "", secrets: Iterable[str] = ()
) -> StoreError:
    """An error that says what to do, and what the server said if that is fit to be read."""
    text = _ADVICE[cause]
    if code == "NoSuchUpload":
        text = "the upload in parts is gone; begin it anew"
    if code:
        text += f" ({_fit(': '.join(filter(None, (code, message))), code, secrets)})"
    return cause(text)


def _fit(said: str, code: str, secrets: Iterable[str]) -> str:
    if _TELLING.search(said) or any(secret and secret in said for secret in secrets):
        said = code if code in _CAUSES else "the server's words are withheld"
    return printable(said)[:300]


def _cause(answer: Answer, code: str, *, has_key: bool) -> type[StoreError]:
    if code in _CAUSES:
        return _CAUSES[code]
    status = answer.status
    if code == "InvalidArgument" and b"bject name" in answer.body:
        return Unholdable
    if answer.headers.get("x-amz-delete-marker") == "true":
        return NotFound
    if status == 403 or code in ("AccessDenied", "Forbidden"):
        return Denied if has_key else BucketDenied
    if status == 404 and not has_key:
        return NoBucket
    if status in _STATUSES:
        return _STATUSES[status]
    if 300 <= status < 400:
        return NoBucket
    return BadRequest if 400 <= status < 500 else ServerFault


def _retry_after(answer: Answer) -> float:
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return min(float(text), 3600.0)
    then, now = from_date(text), from_date(answer.headers.get("date", ""))
    return min(max(0.0, then - now), 3600.0) if then and now else 0.0


_REFUSAL = tuple(
    re.compile(rb"<%s>([^<]*)</%s>" % (name, name))
    for name in (b"Code", b"Message", b"Region", b"Endpoint")
)


def _element(body: bytes, pattern: re.Pattern[bytes]) -> str:
    found = pattern.search(body)
    return unescape(found[1].decode("utf-8", "replace")) if found else ""
