"""ARNs that stand where a bucket's name may: access points of every kind, by the published grammar.

    arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME
    arn:PARTITION:s3-object-lambda:REGION:ACCOUNT:accesspoint/NAME
    arn:PARTITION:s3-outposts:REGION:ACCOUNT:outpost/ID/accesspoint/NAME
    arn:PARTITION:s3::ACCOUNT:accesspoint/ALIAS.mrap

A colon may stand for each slash of the resource. A prefix follows behind one more slash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from bucketline.errors import UsageError, printable

# How a region's name begins, its partition, and the domain of that; what begins otherwise is `aws`.
_PARTITIONS = (
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("", "aws", "amazonaws.com"),
)
_DOMAINS = {partition: domain for _, partition, domain in _PARTITIONS}
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)+").fullmatch
_ACCOUNT = re.compile(r"[0-9]{12}").fullmatch
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]").fullmatch
_ALIAS = re.compile(r"[a-z0-9][a-z0-9-]{0,61}\.mrap").fullmatch
_OUTPOST = re.compile(r"op-[a-z0-9-]{0,59}[a-z0-9]").fullmatch
_BREAK = re.compile(r"[:/]")
_OUTPOSTS_ALIAS = re.compile(r"[a-z0-9-]{1,13}([oe])([a-z0-9]{17})[a-z0-9]{25}--op-s3").fullmatch


class Kind(Enum):
    """What an ARN names, in words."""

    ACCESS_POINT = "access point"
    OBJECT_LAMBDA = "Object Lambda access point"
    OUTPOSTS = "access point on Outposts"
    MULTI_REGION = "multi-region access point"

    @property
    def service(self) -> str:
        """What the ARN calls it, and what requests are signed for."""
        return _SERVICES[self]


_SERVICES = {
    Kind.ACCESS_POINT: "s3",
    Kind.OBJECT_LAMBDA: "s3-object-lambda",
    Kind.OUTPOSTS: "s3-outposts",
    Kind.MULTI_REGION: "s3",
}


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """A way into a bucket, with a name, an address and permissions of its own."""

    kind: Kind
    partition: str
    region: str  # "" = every region.
    account: str
    name: str
    outpost: str = ""

    def __str__(self) -> str:
        """The ARN, always written the same way."""
        within = f"outpost/{self.outpost}/" if self.outpost else ""
        place = f"{self.partition}:{self.kind.service}:{self.region}:{self.account}"
        return f"arn:{place}:{within}accesspoint/{self.name}"

    @property
    def domain(self) -> str:
        return _DOMAINS[self.partition]


def partition_of(region: str) -> str:
    """The partition that a region belongs to."""
    return next(name for start, name, _ in _PARTITIONS if region.startswith(start))


def domain_of(region: str) -> str:
    """The domain under which the services of a region are."""
    return _DOMAINS[partition_of(region)]


def is_arn(text: str) -> bool:
    """Whether this is meant to be an ARN and not the name of a bucket."""
    return text[:4].lower() == "arn:"


def access_point(bucket: str) -> AccessPoint | None:
    """What stands for a bucket; None when it is a bucket's own name. Raises `UsageError`."""
    return split(bucket)[0] if is_arn(bucket) else None


def split(text: str) -> tuple[AccessPoint, str]:
    """An access point and the prefix behind it; raises `UsageError` with what is wrong."""
    try:
        return _split(text)
    except _Wrong as wrong:
        raise UsageError(f"{printable(text)}: {wrong}") from None


def outposts_alias(bucket: str) -> str:
    """The host label behind an access point alias of S3 on Outposts; "" for any other name."""
    found = _OUTPOSTS_ALIAS(bucket) if bucket.endswith("--op-s3") else None
    if not found:
        return ""
    return "ec2" if found[1] == "e" else f"op-{found[2]}"


class _Wrong(ValueError):
    """What is wrong with an ARN, and what to write."""


def _split(text: str) -> tuple[AccessPoint, str]:
    words = text.split(":", 5)
    if len(words) < 6:
        raise _Wrong(
            "this ARN is too short; write arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/prefix/"
        )
    _, partition, service, region, account, resource = words
    if partition not in _DOMAINS:
        known = ", ".join(_DOMAINS)
        raise _Wrong(f"{printable(partition)!r} is no partition; there are {known}")
    if service == "s3-outposts":
        outpost, name, prefix = _on_outpost(resource)
        kind = Kind.OUTPOSTS
    elif service in ("s3", "s3-object-lambda"):
        outpost, (name, prefix) = "", _at_access_point(resource)
        kind = Kind.ACCESS_POINT if service == "s3" else Kind.OBJECT_LAMBDA
    else:
        raise _Wrong(_no_service(service))
    if service == "s3" and not region:
        kind = Kind.MULTI_REGION
    point = AccessPoint(kind, partition, region, account, name, outpost)
    _check(point)
    return point, prefix


def _at_access_point(resource: str) -> tuple[str, str]:
    """Name and prefix from `accesspoint/NAME/prefix`."""
    kind, _, rest = _cut(resource)
    if kind != "accesspoint":
        bucket = resource.partition("/")[0]
        if bucket and ":" not in bucket:
            raise _Wrong(f"this ARN names a bucket; say s3://{printable(bucket)}/prefix/")
        raise _Wrong("this ARN names no access point; end it with accesspoint/NAME")
    return _name_and_prefix(rest)


def _on_outpost(resource: str) -> tuple[str, str, str]:
    """Outpost, name and prefix from `outpost/ID/accesspoint/NAME/prefix`."""
    kind, _, rest = _cut(resource)
    outpost, _, rest = _cut(rest)
    within, _, rest = _cut(rest)
    if kind != "outpost" or not outpost:
        raise _Wrong("this ARN names no Outpost; write …:outpost/OUTPOST-ID/accesspoint/NAME")
    if not _OUTPOST(outpost):
        raise _Wrong(f"{printable(outpost)!r} is no Outpost; its ID begins with op-")
    if within == "bucket":
        raise _Wrong(
            "objects of a bucket on Outposts are reached through an access point of it;"
            f" write …:outpost/{outpost}/accesspoint/NAME"
        )
    if within != "accesspoint":
        raise _Wrong(f"this ARN names no access point; write …:outpost/{outpost}/accesspoint/NAME")
    return outpost, *_name_and_prefix(rest)


def _name_and_prefix(text: str) -> tuple[str, str]:
    name, end, prefix = _cut(text)
    if not name:
        raise _Wrong("this ARN names no access point; end it with accesspoint/NAME")
    if end == ":":
        raise _Wrong(f"nothing but /prefix/ may follow the access point {printable(name)!r}")
    return name, prefix


def _cut(text: str) -> tuple[str, str, str]:
    """What stands before the first colon or slash, that, and what follows it."""
    found = _BREAK.search(text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def _check(point: AccessPoint) -> None:
    name, region = printable(point.name), printable(point.region)
    if not _ACCOUNT(point.account):
        raise _Wrong(f"{printable(point.account)!r} is no account; it has 12 digits")
    if point.name.endswith(".mrap") and region:
        raise _Wrong(
            "a multi-region access point has no region; leave it empty,"
            f" as in arn:{point.partition}:s3::{point.account}:accesspoint/{name}"
        )
    if point.kind is Kind.MULTI_REGION:
        if not _ALIAS(point.name):
            raise _Wrong(
                "the region is missing; only the alias of a multi-region access point,"
                " which ends in .mrap, stands without one"
            )
        return
    if not _REGION(point.region) or len(region) > 32:
        raise _Wrong(f"{region!r} is no region; it looks like eu-central-1")
    if partition_of(point.region) != point.partition:
        raise _Wrong(
            f"the region {region} is not in the partition {point.partition};"
            f" write arn:{partition_of(point.region)}:…"
        )
    if not _NAME(point.name):
        raise _Wrong(
            f"{name!r} is no access point; a name has 3 to 50 small letters, digits and hyphens"
        )


def _no_service(service: str) -> str:
    if service == "s3express":
        return "directory buckets and their access points (S3 Express One Zone) are not supported"
    return f"{printable(service)!r} has no access points; write s3, s3-outposts or s3-object-lambda"
