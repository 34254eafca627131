"""What to correct on our side when a server refuses: place, clock, keys, way of signing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bucketline.errors import StoreError
from bucketline.stores.base import Answer, Flow
from bucketline.stores.s3.answers import Refusal, refusal
from bucketline.stores.s3.endpoint import is_region, moved_to, region_of_host
from bucketline.stores.s3.signers import Signs

if TYPE_CHECKING:
    from bucketline.stores.s3.address import Turn
    from bucketline.stores.s3.client import Call, Client

_REDIRECTS_MAX = 2
_KEYS_MAX = 2  # A look may fall between the two files of a new pair.
_REDIRECTS = (301, 302, 307, 308)
# Keys that expired, or that somebody has exchanged for others meanwhile.
_STALE = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
}


def settled(client: Client, call: Call, answer: Answer, turn: Turn) -> Flow[Answer]:
    """The answer after every correction that it led to; each is made once, or twice."""
    address = turn.address
    if not address.is_met and answer.status < 300:
        client.meet(address, answer)
    made: list[str] = []
    while answer.status >= 300:
        correction = yield from _corrected(client, answer, turn, made)
        if correction:
            turn = client.pool.at(address, len(call.body))
            answer = yield from client.carried(call, turn)
        elif call.method == "HEAD" and answer.status in (400, 403) and "words" not in made:
            correction = "words"
            answer = yield from _explained(client, call, answer, turn)
        else:
            return answer
        made.append(correction)
    return answer


def _corrected(client: Client, answer: Answer, turn: Turn, made: list[str]) -> Flow[str]:
    """Which correction was made; "" = there is none left."""
    said = refusal(answer)
    if _is_elsewhere(answer, said):
        moved = made.count("place") < _REDIRECTS_MAX and _moved(client, answer, said, turn)
        return "place" if moved else ""
    if answer.status in {400, 403} and "time" not in made:
        client.learn_time(turn.address, answer)
        if turn.address.is_corrected or said.code == "RequestTimeTooSkewed":
            return "time"
    if said.code in _STALE and made.count("keys") < _KEYS_MAX and turn.signer:
        return (yield from _renewed(client, turn, turn.signer))
    if said.code == "XAmzContentSHA256Mismatch" and not client.signs_body:
        client.signs_body = True
        return "body"
    return ""


def _renewed(client: Client, turn: Turn, signer: Signs) -> Flow[str]:
    if turn.address.signer is signer:
        try:
            yield from client.renew(signer.keys)
        except StoreError:
            return ""  # What the server said is the better error.
    now = turn.address.signer
    renewed = now is not None and now.keys != signer.keys
    return "keys" if renewed else ""


def _is_elsewhere(answer: Answer, said: Refusal) -> bool:
    return (
        answer.status in _REDIRECTS
        or said.code == "AuthorizationHeaderMalformed"
        or (answer.status == 400 and "x-amz-bucket-region" in answer.headers)
    )


def _moved(client: Client, answer: Answer, said: Refusal, turn: Turn) -> bool:
    """Whether there is another place to try; never one that the configuration does not imply."""
    if client.point is not None:  # It is where its ARN says.
        return False
    used, address = turn.place, turn.address
    location = answer.headers.get("location", "")
    if not location and said.endpoint:
        location = f"{address.place.root.partition('://')[0]}://{said.endpoint}"
    region = answer.headers.get("x-amz-bucket-region", "") or said.region
    if not is_region(region):
        region = region_of_host(location) if client.is_aws else ""
    if region and region != used.region:
        client.relocate(address, region)
        return True
    if client.remote.endpoints and location:
        endpoint = moved_to(used, client.bucket, location)
        if endpoint:
            client.relocate(address, region or used.region, endpoint)
        return bool(endpoint)
    return False


def _explained(client: Client, call: Call, answer: Answer, turn: Turn) -> Flow[Answer]:
    """A refusal with a body: HEAD's has none, so the same is asked by GET."""
    if call.key is None:
        asked = call._replace(method="GET", kind="LIST", query="list-type=2&max-keys=1")
    else:
        asked = call._replace(method="GET", kind="GET", headers={"range": "bytes=0-0"})
    told = yield from client.carried(asked, client.pool.at(turn.address, 0))
    return told if told.status >= 300 else answer
