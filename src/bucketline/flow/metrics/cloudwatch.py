"""Numbers to CloudWatch: PutMetricData, signed as every request of ours is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from bucketline.arns import domain_of
from bucketline.clock import Clock
from bucketline.errors import BadCredentials, Denied, ServerFault, UsageError, printable
from bucketline.flow.metrics.sample import Datum
from bucketline.settings import Keys
from bucketline.stores.base import Answer, Flow, Request, Route
from bucketline.stores.s3.sign import Signer, encoded_query

NAMESPACE, DIMENSION = "BackupRecovery", "Dev"  # As the old module had them.
_AT_ONCE = 500  # Of the 1,000 that one request may have.
_ROUTE = Route(connect_timeout_seconds=5, idle_timeout_seconds=10)
_NAMESPACE = re.compile(r"(?!AWS/)[A-Za-z0-9._/#:-]{1,255}").fullmatch
_CODE = re.compile(r"<Code>([^<]{1,100})</Code>").search


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """Where numbers go."""

    region: str
    clock: Clock
    namespace: str = NAMESPACE
    dimension: str = DIMENSION  # Its name; its value is the metric's own, as it was before.
    endpoint: str = ""  # Instead of Amazon's.

    def check(self) -> None:
        """Raise `UsageError` for what CloudWatch would refuse each time."""
        if not _NAMESPACE(self.namespace):
            shown = printable(self.namespace)
            raise UsageError(f"{shown}: is no namespace; letters, digits and . _ / # : - make one")
        if not 0 < len(self.dimension) <= 255 or not self.dimension.isascii():
            raise UsageError(f"{printable(self.dimension)}: is no name for a dimension")
        if not self.region and not self.endpoint:
            raise UsageError("CloudWatch needs a region; set AWS_REGION or name --region")

    @property
    def url(self) -> str:
        region = self.region or "us-east-1"
        return self.endpoint or f"https://monitoring.{region}.{domain_of(region)}"

    def put(self, data: Iterable[Datum], keys: Keys | None) -> Flow[None]:
        """Send them. Raises by cause; nothing is tried again, since the next ones follow."""
        if keys is None:
            raise BadCredentials("CloudWatch takes nothing without credentials")
        told = list(data)
        for start in range(0, len(told), _AT_ONCE):
            yield from self._put(told[start : start + _AT_ONCE], keys)

    def _put(self, data: Sequence[Datum], keys: Keys) -> Flow[None]:
        now = self.clock.now()
        body = encoded_query(self._pairs(data, now)).encode()
        headers = {
            "host": urlsplit(self.url).netloc,
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        }
        signer = Signer(keys, self.region or "us-east-1", "monitoring")
        lines = signer.headers("POST\n/\n", headers, sha256(body).hexdigest(), now)
        url = f"{self.url.rstrip('/')}/"
        answer: Answer = yield Request("POST", url, lines, _ROUTE, body, "POST")
        if answer.status >= 300:
            said = _CODE(answer.body[:10_000].decode(errors="replace"))
            why = printable(said[1]) if said else f"HTTP {answer.status}"
            cause = Denied if answer.status in {401, 403} else ServerFault
            raise cause(f"CloudWatch takes no metrics: {why}", endpoint=self.url)

    def _pairs(self, data: Sequence[Datum], now: float) -> dict[str, str]:
        pairs = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": self.namespace}
        stamp = f"{int(now)}"
        for number, datum in enumerate(data, 1):
            one = f"MetricData.member.{number}."
            pairs |= {
                f"{one}MetricName": datum.name,
                f"{one}Value": f"{datum.value:g}" if datum.value < 1e6 else f"{datum.value:.0f}",
                f"{one}Unit": "Count",
                f"{one}Timestamp": stamp,
                f"{one}Dimensions.member.1.Name": self.dimension,
                f"{one}Dimensions.member.1.Value": datum.name,
            }
        return pairs
