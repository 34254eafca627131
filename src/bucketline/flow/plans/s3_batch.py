"""Copies of a plan as a job for S3 Batch Operations: which, its manifest, its request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any
from urllib.parse import quote

from bucketline.flow.plans.lines import Head
from bucketline.model import Action, Copy

SIZE_MAX = 5 << 30  # A job copies by CopyObject.
_ARCHIVED = ("GLACIER", "DEEP_ARCHIVE")  # Their bytes need a thaw first.
_CLASSES = (
    *("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"),
    *_ARCHIVED,
)
_FORMAT = "S3BatchOperations_CSV_20180820"


@dataclass(slots=True)
class Survey:
    """What of a plan one job can do: it has one prefix, one storage class, versions or none."""

    lead: str | None = None  # What stands before every key at the target; None = nothing seen yet.
    tier: str | None = None
    has_versions: bool = True
    count: int = 0
    size: int = 0
    latest: float = 0.0  # When the newest of them was written.
    left: Counter[str] = field(default_factory=Counter)  # Why others cannot be in it.

    @classmethod
    def of(cls, actions: Iterable[Action]) -> Survey:
        """By the first copy that can be in a job, and all that go with it."""
        survey = cls()
        for action in actions:
            survey._add(action)
        return survey

    def why_not(self, action: Action) -> str:
        """Why it cannot be in the job; "" = it can."""
        if not isinstance(action, Copy):
            return f"{action.verb.value}s"
        if action.refused:
            return "what no key can stand for"
        if action.source.size > SIZE_MAX:
            return "larger than 5 GiB"
        if (tier := action.source.tier) in _ARCHIVED:
            return f"in the archive {tier}"
        lead = _lead(action)
        if lead is None or (self.lead is not None and lead != self.lead):
            return "under another name at the target"
        if (tier or "STANDARD") not in _CLASSES or (self.tier is not None and tier != self.tier):
            return f"of the storage class {tier or 'STANDARD'}"
        return ""

    def row(self, action: Copy, bucket: str) -> str:
        """A line of the manifest; keys are coded, so that no value needs quotes."""
        version = f",{quote(action.source.version, safe='')}" if self.has_versions else ""
        return f"{bucket},{quote(action.source.key, safe='/')}{version}\n"

    @property
    def fields(self) -> list[str]:
        return ["Bucket", "Key", *(["VersionId"] if self.has_versions else [])]

    def _add(self, action: Action) -> None:
        if why := self.why_not(action):
            self.left[why] += 1
            return
        assert isinstance(action, Copy)
        self.lead, self.tier = _lead(action), action.source.tier
        self.has_versions = self.has_versions and bool(action.source.version)
        self.count += 1
        self.size += action.source.size
        self.latest = max(self.latest, action.source.modified)


def _lead(action: Copy) -> str | None:
    """A job puts a folder before keys and leaves them as they are; None = the name is another."""
    key, target = action.source.key, action.target_key
    if target == key:
        return ""
    lead = target.removesuffix(f"/{key}")
    return lead if lead and lead != target else None


def job(survey: Survey, head: Head, plan: str, manifest_etag: str) -> dict[str, Any]:
    """The request of `create-job` for these copies."""
    target = head.target["place"]
    arn = f"arn:{_partition(target['region'])}"
    copying = {
        "TargetResource": f"{arn}:s3:::{target['bucket']}",
        **({"TargetKeyPrefix": survey.lead} if survey.lead else {}),
        **({"StorageClass": survey.tier} if survey.tier else {}),
        "MetadataDirective": "COPY",
    }
    if not survey.has_versions:  # What changed since the look is another object.
        looked = datetime.fromtimestamp(ceil(max(head.made, survey.latest)), UTC)
        copying["UnModifiedSinceConstraint"] = f"{looked:%Y-%m-%dT%H:%M:%SZ}"
    token = (plan, f"bucketline plan {plan[:12]}")
    return _request({"S3PutObjectCopy": copying}, survey.fields, manifest_etag, arn, token)


def thaw_job(speed: str, days: int, region: str, manifest_etag: str) -> dict[str, Any]:
    """The same for objects that are to be thawed; Expedited cannot be had so."""
    thawing = {"ExpirationInDays": days, "GlacierJobTier": speed.upper()}
    token = (f"thaw-{manifest_etag}-{speed}-{days}", f"bucketline thaw {manifest_etag[:12]}")
    operation = {"S3InitiateRestoreObject": thawing}
    arn = f"arn:{_partition(region)}"
    return _request(operation, ["Bucket", "Key"], manifest_etag, arn, token)


def thaw_row(key: str, bucket: str) -> str:
    """A line of its manifest."""
    return f"{bucket},{quote(key, safe='/')}\n"


def _request(
    operation: Mapping[str, Any],
    fields: Sequence[str],
    manifest_etag: str,
    arn: str,
    token: tuple[str, str],
) -> dict[str, Any]:
    """What only the operator knows stands in angle brackets."""
    return {
        "AccountId": "<ACCOUNT>",
        "ConfirmationRequired": True,
        "Operation": operation,
        "Manifest": {
            "Spec": {"Format": _FORMAT, "Fields": list(fields)},
            "Location": {"ObjectArn": f"{arn}:s3:::<BUCKET>/<KEY>", "ETag": manifest_etag},
        },
        "Report": {
            "Bucket": f"{arn}:s3:::<BUCKET>",
            "Format": "Report_CSV_20180820",
            "Enabled": True,
            "Prefix": "reports",
            "ReportScope": "AllTasks",
        },
        "ClientRequestToken": token[0][:64],
        "Description": token[1],
        "Priority": 10,
        "RoleArn": f"{arn}:iam::<ACCOUNT>:role/<ROLE>",
    }


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
