"""From a location's text to the place it means: bucket, access point, prefix, or a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from bucketline.arns import is_arn, split
from bucketline.errors import UsageError, printable
from bucketline.settings import Environment, Location, Remote, Side, ad_hoc_remote, named_remote

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")  # A colon: Ceph's `tenant:bucket`.
_WILDCARDS = frozenset("*?")


def parse_location(
    text: str,
    *,
    remotes: Mapping[str, Remote],
    side: Side,
    both: Side,
    environment: Environment,
) -> Location:
    """Where `text` points. `side` is said of this location alone, `both` of every one."""
    _check_text(text)
    if text.lower().startswith("s3://"):
        remote = ad_hoc_remote(side, both, environment)
        said = side.region or both.region
        return _bucket_location(text, text[len("s3://") :], remote, said)
    named = None if text.startswith((".", "/")) else _NAMED.fullmatch(text)
    if not named:
        return Location(text, folder=_absolute(text))
    name, path = named.groups()
    if name not in remotes:
        raise UsageError(f"{printable(text)}: {_unknown_remote(name, path, remotes)}")
    remote = named_remote(remotes[name], side, both, environment)
    said = side.region or remotes[name].region or both.region
    return _bucket_location(text, path, remote, said)


def _check_text(text: str) -> None:
    if not text:
        raise UsageError("a location is empty; say s3://bucket/prefix/, name:bucket/ or a folder")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{text!a}: a location must be UTF-8 text") from None
    if "\0" in text:
        raise UsageError(f"{printable(text)}: a location cannot hold a zero byte")


def _bucket_location(text: str, path: str, remote: Remote, said: str) -> Location:
    """`said` is the region that a flag or the configuration names."""
    bucket, _, prefix = path.partition("/")
    shown = printable(text)
    if not bucket:
        start = text[: len(text) - len(path)]
        raise UsageError(f"{shown}: names no bucket; say {start}bucket/prefix/")
    if _WILDCARDS & set(path):
        raise UsageError(
            f"{shown}: a location takes no wildcard; "
            "name the folder and choose in it with --include 'PATTERN'"
        )
    if is_arn(bucket):
        return _point_location(text, path, remote, said)
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{shown}: {printable(bucket)!r} cannot be the name of a bucket")
    return Location(text, remote=remote, bucket=bucket, prefix=prefix)


def _point_location(text: str, path: str, remote: Remote, said: str) -> Location:
    """An access point is where its ARN says, which must not contradict what a person said."""
    point, prefix = split(path)
    if remote.use_arn_region is False:
        said = remote.region
    if point.region and said not in ("", point.region) and not remote.use_arn_region:
        raise UsageError(
            f"{printable(text)}: the ARN says {point.region}, and another region was said, "
            f"{printable(said)}; leave that out, or let ARNs decide: AWS_S3_USE_ARN_REGION=true"
        )
    remote = replace(remote, region=point.region or remote.region)
    return Location(text, remote=remote, bucket=str(point), prefix=prefix)


def _unknown_remote(name: str, path: str, remotes: Mapping[str, Remote]) -> str:
    if path.startswith("//"):
        return f"{name}:// is no place we know; say s3://bucket/prefix/ (with --endpoint-url)"
    close = get_close_matches(name, [*remotes, "s3"], n=1)
    if close == ["s3"]:
        hint = f"did you mean s3://{printable(path.lstrip('/'))}?"
    elif close:
        hint = f"did you mean {close[0]}:?"
    else:
        hint = "put it under remotes: in the configuration"
    return f"there is no remote {name!r}; {hint} (./{name}:… is a folder)"


def _absolute(text: str) -> str:
    # `..` behind a link leads elsewhere than the words say: then ask the disk.
    path = Path(text)
    return str(path.resolve() if ".." in path.parts else path.absolute())
