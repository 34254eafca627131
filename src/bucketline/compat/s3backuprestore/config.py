"""What a program says once, and hands to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bucketline.clock import SystemClock
from bucketline.errors import UsageError
from bucketline.flow.metrics.cloudwatch import DIMENSION, NAMESPACE
from bucketline.flow.move.proof import MovePolicy
from bucketline.flow.move.wanted import Fidelity
from bucketline.settings import Keys, Location, Remote, Secret, Side, ad_hoc_remote, environment
from bucketline.stores import open_store
from bucketline.stores.base import Store
from bucketline.stores.s3.credentials import aws_settings
from bucketline.stores.wrap import Retrying

_HEADERS = {
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
}
_DIRECTIVES = ("MetadataDirective", "TaggingDirective")  # COPY is what happens anyway.
_WORDS = {
    "StorageClass": "tier",
    "ServerSideEncryption": "encryption",
    "SSEKMSKeyId": "key_id",
    "BucketKeyEnabled": "bucket_key",
    "ACL": "acl",
    "Metadata": "metadata",
    "ContentType": "content_type",
}


@dataclass
class Config:
    """The names, their order and what they are without being said, as they were."""

    src_bucket: str
    dst_bucket: str = ""
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    timeout: float = 120  # Seconds to wait for a queue.
    last_modified: float = 48  # Hours: what changed since is copied again.
    extra_args: Mapping[str, Any] | None = None
    cw_namespace: str = NAMESPACE
    cw_dimension_name: str = DIMENSION
    profile_name: str | None = None
    region: str = "eu-central-1"
    s3_transfer_manager_conf: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.fidelity()  # Words that nobody knows are told before anything begins.

    def remote(self) -> Remote:
        """The service: the keys said here, or the profile's, or the environment's."""
        around = environment()
        side = Side(profile=self.profile_name or "", region=self.region or "")
        remote = ad_hoc_remote(side, Side(), around)
        if self.access_key and self.secret_key:
            keys = Keys(self.access_key, Secret(self.secret_key), Secret(self.token or ""))
            return replace(remote, keys=keys)
        if not remote.keys and not remote.endpoints and not around.ignores_endpoints:
            endpoint, _ = aws_settings(remote.profile)
            return replace(remote, endpoints=(endpoint,) if endpoint else ())
        return remote

    def location(self, bucket: str) -> Location:
        """All of a bucket."""
        return Location(f"s3://{bucket}/", remote=self.remote(), bucket=bucket)

    def store(self, bucket: str) -> Store:
        """A bucket, to be asked; what may succeed in a moment is tried again."""
        return Retrying(open_store(self.location(bucket), clock=SystemClock()))

    def policy(self, *, is_restore: bool = False) -> MovePolicy:
        """How objects are moved. A restore goes without the extra arguments, as it did."""
        said = self.s3_transfer_manager_conf or {}
        policy = MovePolicy(fidelity=Fidelity(tier="STANDARD") if is_restore else self.fidelity())
        size = said.get("multipart_chunksize")
        return replace(policy, part_size=int(size)) if size else policy

    def of_copies(self) -> Config:
        """The same, of all who copy alike: without what only queues and comparisons ask."""
        return replace(self, timeout=0, last_modified=0)

    def fidelity(self) -> Fidelity:
        """What the extra arguments ask for; the storage class is the standard one without them."""
        wanted: dict[str, Any] = {"tier": "STANDARD"}
        headers: dict[str, str] = {}
        for name, value in (self.extra_args or {}).items():
            if name in _WORDS:
                wanted[_WORDS[name]] = value
            elif name in _HEADERS:
                headers[_HEADERS[name]] = value
            elif name not in _DIRECTIVES or value != "COPY":
                known = ", ".join(sorted({*_WORDS, *_HEADERS}))
                raise UsageError(f"extra_args: {name} is not known here; there are {known}")
        return Fidelity(**wanted, headers=headers)
