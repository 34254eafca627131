"""Faults for the fault proxy: each is what one exchange does instead of being carried through."""

from __future__ import annotations

import re
from collections.abc import Callable

from faults.http import Message, answer
from faults.proxy import Exchange, Fault

_CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_ETAG = re.compile(rb'(?im)^etag: *"[^"]*"')


def reset_before_headers(exchange: Exchange) -> None:
    """The server is never asked."""
    exchange.reset()


def lose_answer(exchange: Exchange) -> None:
    """The server did it, the client cannot know."""
    exchange.forward()
    exchange.reset()


def reset_in_body(exchange: Exchange) -> None:
    """Half of the body, then a reset."""
    told = exchange.forward()
    exchange.send_only(told, len(told.body) // 2)
    exchange.reset()


def end_early(exchange: Exchange) -> None:
    """Half of the body under the right Content-Length, then an orderly end."""
    told = exchange.forward()
    exchange.send_only(told, len(told.body) // 2)
    exchange.close()


def stall(exchange: Exchange) -> None:
    """The server is not asked before the test releases it; then all goes well."""
    exchange.stall()
    exchange.send(exchange.forward())


def stall_in_body(exchange: Exchange) -> None:
    """Half of the body, silence until the test releases it, then an end."""
    told = exchange.forward()
    exchange.send_only(told, len(told.body) // 2)
    exchange.stall()
    exchange.close()


def slow(seconds: float) -> Fault:
    """So much later."""

    def slowed(exchange: Exchange) -> None:
        exchange.released.wait(seconds)
        exchange.send(exchange.forward())

    return slowed


def swallow(limit_bytes: int) -> Fault:
    """A link that loses big packets without a word: what is longer never arrives, either way."""

    def swallowed(exchange: Exchange) -> None:
        if len(exchange.request.body) > limit_bytes:
            exchange.stall()
            exchange.close()
            return
        told = exchange.forward()
        if len(told.raw()) <= limit_bytes:
            exchange.send(told)
            return
        exchange.send_only(told, 0)
        exchange.stall()
        exchange.close()

    return swallowed


def hang(exchange: Exchange) -> None:
    """The server is never asked: what was sent went into a black hole."""
    exchange.stall()
    exchange.close()


def hang_after(exchange: Exchange) -> None:
    """The server did it, and its answer never comes."""
    exchange.forward()
    exchange.stall()
    exchange.close()


def cut_request(exchange: Exchange) -> None:
    """Half of what was sent arrives, then both sides see the connection break."""
    exchange.pass_on_half()
    exchange.reset()


def flip_request(exchange: Exchange) -> None:
    """One bit of what is sent arrives wrong."""
    request = exchange.request
    exchange.send(exchange.forward(Message(request.head, flipped(request.body))))


def flip_answer(exchange: Exchange) -> None:
    """One bit of what comes back is wrong."""
    told = exchange.forward()
    exchange.send(Message(told.head, flipped(told.body)))


def slow_down(retry_after_seconds: int | None = None) -> Fault:
    """503, the server is never asked."""
    headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
    return refuse(503, "SlowDown", headers)


def refuse(status: int, code: str, headers: dict[str, str] | None = None) -> Fault:
    """An error answer; the server is never asked."""

    def refused(exchange: Exchange) -> None:
        exchange.send(answer(status, _error(code), headers))

    return refused


def fail(exchange: Exchange) -> None:
    """500, and the server did nothing."""
    exchange.send(answer(500, _error("InternalError")))


def fail_in_200(exchange: Exchange) -> None:
    """200 with an error for a body, and the server did nothing."""
    exchange.send(answer(200, _error("InternalError"), {"Content-Type": "application/xml"}))


def edit(change: Callable[[Message], Message]) -> Fault:
    """What the server said, changed."""

    def edited(exchange: Exchange) -> None:
        exchange.send(change(exchange.forward()))

    return edited


def _is_truncated_to_false(told: Message) -> Message:
    pattern = rb"<IsTruncated>true</IsTruncated>"
    return told.with_body(re.sub(pattern, b"<IsTruncated>false</IsTruncated>", told.body))


def _without_is_truncated(told: Message) -> Message:
    body = re.sub(rb"<IsTruncated>[a-z]*</IsTruncated>", b"", told.body)
    return told.with_body(re.sub(rb"<NextContinuationToken>.*?</Next\w+>", b"", body))


def _cut_in_the_middle(told: Message) -> Message:
    return told.with_body(told.body[: len(told.body) // 2])


def _backwards(told: Message) -> Message:
    entries = _CONTENTS.findall(told.body)[::-1]
    return told.with_body(_CONTENTS.sub(lambda _: entries.pop(0), told.body))


def _with_wrong_etag(told: Message) -> Message:
    wrong = b'ETag: "0123456789abcdef0123456789abcdef"'
    return Message(_ETAG.sub(wrong, told.head), told.body)


listing_that_claims_to_be_whole = edit(_is_truncated_to_false)  # It ends early, and lies.
listing_without_is_truncated = edit(_without_is_truncated)
listing_cut_in_the_middle = edit(_cut_in_the_middle)  # A whole body, half a document.
listing_backwards = edit(_backwards)
wrong_etag = edit(_with_wrong_etag)


def flipped(body: bytes) -> bytes:
    """The same with one bit changed in the middle; nothing has no bits."""
    if not body:
        return body
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :]


def _error(code: str) -> bytes:
    text = f"<Error><Code>{code}</Code><Message>by the fault proxy</Message></Error>"
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()
