"""What a failure below HTTP is told as: where, in whose words, and what to do about it."""

from __future__ import annotations

from bucketline.errors import Broken, StoreError, Unreachable, Untrusted

_ADVICE: tuple[tuple[type[StoreError], str, str], ...] = (  # Cause, words that tell more, advice.
    (Untrusted, "subject name", "it is for another name; use the one that is in it"),
    (Untrusted, "expired", "have it renewed, and look at this machine's clock"),
    (Untrusted, "not yet valid", "look at this machine's clock"),
    (Untrusted, "", "name the right authority by --ca-bundle"),
    (Unreachable, "wrong version number", "it speaks no TLS: is it http:// and not https://?"),
    (Unreachable, "", "is the endpoint right and up?"),
    (Broken, "HTTP/0.9", "it speaks no HTTP: is it https:// and not http://?"),
)
_WHAT: dict[type[StoreError], str] = {
    Untrusted: "the TLS certificate is not trusted",
    Unreachable: "cannot be reached",
    Broken: "the exchange broke off",
}


def failure(cause: type[StoreError], said: str, place: str) -> StoreError:
    """An error of `cause`; `said` are libcurl's words, `place` is the URL without its path."""
    fitting = (advice for kind, words, advice in _ADVICE if kind is cause and words in said)
    advice = next(fitting, "")
    return cause(f"{_WHAT[cause]} ({said}){'; ' if advice else ''}{advice}", store=place)
