"""What to correct on our side when a server refuses: place, clock, keys, way of signing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bucketline.errors import StoreError
from bucketline.stores.base import Answer, Flow
from bucketline.stores.s3.answers import Refusal, refusal
from bucketline.stores.s3.endpoint import Place, is_region, moved_to, region_of_host
from bucketline.stores.s3.signers import Signs

if TYPE_CHECKING:
    from bucketline.stores.s3.client import Call, Client

_REDIRECTS_MAX = 2
_REDIRECTS = (301, 302, 307, 308)
_STALE = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"}


class Sent(NamedTuple):
    """What a request was made with; another flow may have corrected it since."""

    signer: Signs | None
    place: Place


def settled(client: Client, call: Call, answer: Answer, sent: Sent) -> Flow[Answer]:
    """The answer after every correction that it led to; each is made once, redirects twice."""
    if not client.is_dated and answer.status < 300:
        client.learn_time(answer)
    made: list[str] = []
    while answer.status >= 300:
        correction = yield from _corrected(client, answer, sent, made)
        if correction:
            sent = Sent(client.signer, client.place)
            answer = yield client.request(call, client.clock.now())
        elif call.method == "HEAD" and answer.status in (400, 403) and "words" not in made:
            correction = "words"
            answer = yield from _explained(client, call, answer)
        else:
            return answer
        made.append(correction)
    return answer


def _corrected(client: Client, answer: Answer, sent: Sent, made: list[str]) -> Flow[str]:
    """Which correction was made; "" = there is none left."""
    said = refusal(answer)
    if _is_elsewhere(answer, said):
        moved = made.count("place") < _REDIRECTS_MAX and _moved(client, answer, said, sent.place)
        return "place" if moved else ""
    if answer.status in {400, 403} and "time" not in made:
        is_far = client.learn_time(answer) != 0.0
        if is_far or said.code == "RequestTimeTooSkewed":
            return "time"
    if said.code in _STALE and "keys" not in made and sent.signer:
        return (yield from _renewed(client, sent.signer))
    if said.code == "XAmzContentSHA256Mismatch" and not client.signs_body:
        client.signs_body = True
        return "body"
    return ""


def _renewed(client: Client, signer: Signs) -> Flow[str]:
    if client.signer is signer:
        try:
            yield from client.renew(signer.keys)
        except StoreError:
            return ""  # What the server said is the better error.
    renewed = client.signer is not None and client.signer.keys != signer.keys
    return "keys" if renewed else ""


def _is_elsewhere(answer: Answer, said: Refusal) -> bool:
    return (
        answer.status in _REDIRECTS
        or said.code == "AuthorizationHeaderMalformed"
        or (answer.status == 400 and "x-amz-bucket-region" in answer.headers)
    )


def _moved(client: Client, answer: Answer, said: Refusal, used: Place) -> bool:
    """Whether there is another place to try; never one that the configuration does not imply."""
    if client.point is not None:  # It is where its ARN says.
        return False
    location = answer.headers.get("location", "")
    if not location and said.endpoint:
        location = f"{client.place.root.partition('://')[0]}://{said.endpoint}"
    region = answer.headers.get("x-amz-bucket-region", "") or said.region
    if not is_region(region):
        region = region_of_host(location) if client.is_aws else ""
    if region and region != used.region:
        client.relocate(region)
        return True
    if client.remote.endpoints and location:
        endpoint = moved_to(used, client.bucket, location)
        if endpoint:
            client.relocate(region or used.region, endpoint)
        return bool(endpoint)
    return False


def _explained(client: Client, call: Call, answer: Answer) -> Flow[Answer]:
    """A refusal with a body: HEAD's has none, so the same is asked by GET."""
    if call.key is None:
        asked = call._replace(method="GET", kind="LIST", query="list-type=2&max-keys=1")
    else:
        asked = call._replace(method="GET", kind="GET", headers={"range": "bytes=0-0"})
    told: Answer = yield client.request(asked, client.clock.now())
    return told if told.status >= 300 else answer
