"""What an exchange does when its endpoint does not answer: go to another one, or wait for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bucketline.errors import Away, Remedy, StoreError, Unreachable
from bucketline.stores.base import Answer, Flow, Pause
from bucketline.stores.s3.address import Address, Turn

if TYPE_CHECKING:
    from bucketline.stores.s3.client import Call, Client

_CROWDED_SECONDS, _CROWDED_MAX_SECONDS = 0.01, 0.25
_LOOK_SECONDS = 1.0  # So often who waits looks whether there is still a wish to wait.


def awaited(client: Client, size: int) -> Flow[Turn]:
    """A place for an exchange where there was none at once.

    While all endpoints are down, one of the exchanges that wait asks for the bucket now and then:
    that says nothing about objects, so that one that always fails is not taken for an outage.
    """
    pool, pause = client.pool, _CROWDED_SECONDS
    while True:
        if not pool.is_down:
            turn = pool.turn(size)
        elif pool.is_patient is None or not pool.has_answered:
            turn = pool.least_bad(size)
        else:
            turn = None
            yield from _waited(client)
        if turn is not None:
            return turn
        if not pool.is_down:  # There are as many connections as there may be.
            yield Pause(pause)
            pause = min(_CROWDED_MAX_SECONDS, pause * 1.5)


def elsewhere(
    client: Client, call: Call, turn: Turn, failure: StoreError | Answer
) -> Flow[tuple[Answer, Turn]]:
    """The same exchange at other endpoints, at once; without one, what came of it is told.

    It may have been done where no answer came from. That is for whoever made the call to find
    out where it has a condition: such a call is not made twice from here.
    """
    at = turn.address
    tried = {at}
    if call.is_once and call.key is not None:
        client.begun_again.add(call.key)
    while not _is_told(call, failure):
        other = client.pool.other(len(call.body), tried)
        if other is None:
            if not (at.crowd.is_asked or _is_waited_for(client, failure)):
                break
            other = yield from awaited(client, len(call.body))
            tried.clear()
        at = other.address
        tried.add(at)
        try:
            answer = yield from client.carried(call, other)
        except StoreError as error:
            failure = error
        else:
            return answer, other
    if isinstance(failure, Answer):
        return failure, turn
    raise failure


def is_alone(client: Client, call: Call, address: Address) -> bool:
    """Whether the call goes over a connection of its own, so that it is not made twice unseen.

    One that drops connections has none to spare; there it is looked afterwards what was begun.
    """
    if call.is_once and call.key is not None and address.crowd.is_narrow:
        client.begun_again.add(call.key)
        return False
    return call.is_once


def _waited(client: Client) -> Flow[None]:
    """A while, or a probe. Raises `Away` when nobody wants to wait any more."""
    pool = client.pool
    assert pool.is_patient is not None
    if not pool.is_patient():
        outage = pool.outage()
        said = outage.error.message if outage else "no endpoint answered"
        raise Away(f"no endpoint works, and the run was to end: {said}", store=client.name)
    address = pool.to_probe()
    if address is None:
        yield Pause(min(_LOOK_SECONDS, max(pool.seconds_to_probe(), 0.05)))
        return
    try:
        yield from client.probed(address)
    except StoreError as error:
        if error.remedy is Remedy.STOP:
            raise


def _is_told(call: Call, failure: StoreError | Answer) -> bool:
    """Whether the failure must be told: the call may have been done, and knows of itself."""
    return "if-none-match" in call.headers and not isinstance(failure, Unreachable)


def _is_waited_for(client: Client, failure: StoreError | Answer) -> bool:
    """Whether nothing was sent, and nothing can be: no attempt of anybody's is used up by that."""
    pool = client.pool
    is_hopeful = pool.is_patient is not None and pool.has_answered
    return is_hopeful and pool.is_down and isinstance(failure, Unreachable)
