"""Where a bucket is: from a remote's configuration, and from what a server says, to a URL root."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from bucketline.arns import (
    AccessPoint,
    Kind,
    access_point,
    domain_of,
    outposts_alias,
    partition_of,
)
from bucketline.errors import ConfigError, UsageError
from bucketline.settings import Remote

_PORTS = {"http": 80, "https": 443}
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)*").fullmatch
_AWS_HOST = re.compile(
    r"(?:.+\.)?s3(?:[.-]|-fips\.|(?:-fips)?\.dualstack\.)([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
).fullmatch
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]").fullmatch
_DOTTED = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]").fullmatch
_ADDRESS = re.compile(r"\[.*|\d+(\.\d+){3}(:\d+)?").fullmatch
_DIRECTORY_BUCKETS = ("--x-s3", "--xa-s3")
EVERY_REGION = "*"  # Signed for all of them at once.
_HOSTS = {
    Kind.ACCESS_POINT: "s3-accesspoint",
    Kind.OBJECT_LAMBDA: "s3-object-lambda",
    Kind.OUTPOSTS: "s3-outposts",
    Kind.MULTI_REGION: "s3-global",
}
_NO_FIPS = ("s3-outposts", "s3-global")
_NO_DUAL_STACK = ("s3-outposts", "s3-global", "s3-object-lambda")


@dataclass(frozen=True, slots=True)
class Place:
    """The URL of a key is `root + path + "/" + key`; a signature covers `host` and `path`."""

    root: str  # "https://host:port"
    host: str  # As the Host header says it.
    path: str  # "", "/bucket" or "/front/bucket"
    region: str
    service: str = "s3"  # What signatures are for.


def place_of(remote: Remote, bucket: str, region: str = "", endpoint: str = "") -> Place:
    """Where `bucket` is; a region or an endpoint learnt from the server comes before our own."""
    point = access_point(bucket)
    if point is not None:
        return _at_point(replace(remote, endpoints=(endpoint,)) if endpoint else remote, point)
    region = region or remote.region or "us-east-1"
    own = endpoint or (remote.endpoints[0] if remote.endpoints else "")
    if not own and bucket.endswith(_DIRECTORY_BUCKETS):
        raise UsageError(f"{bucket}: directory buckets (S3 Express One Zone) are not supported")
    scheme, host, front = _parts(own) if own else ("https", _aws_host(remote, "s3", region), "")
    virtual = not own if remote.path_style is None else not remote.path_style
    named = _HOST_LABEL(bucket) or (scheme == "http" and _DOTTED(bucket))
    if virtual and (behind := outposts_alias(bucket)):
        host = host if own else _aws_host(remote, Kind.OUTPOSTS.service, region)
        host = f"{bucket}.{behind}.{host}"
        return Place(f"{scheme}://{host}", host, front, region, Kind.OUTPOSTS.service)
    if virtual and named and not host.startswith("["):
        host = f"{bucket}.{host}"
        return Place(f"{scheme}://{host}", host, front, region)
    return Place(f"{scheme}://{host}", host, f"{front}/{quote(bucket, safe='')}", region)


def _at_point(remote: Remote, point: AccessPoint) -> Place:
    """An access point: its name goes before the host, its region is the ARN's."""
    if remote.path_style:
        raise UsageError(f"{point}: an access point has no address in path style; leave that out")
    name = f"{point.name}-{point.account}"
    if point.kind is Kind.MULTI_REGION:
        if remote.endpoints:
            raise UsageError(
                f"{point}: a multi-region access point has one address in the world;"
                " leave out the endpoint"
            )
        host = f"{point.name}.accesspoint.{_aws_name(remote, 's3-global')}.{point.domain}"
        return Place(f"https://{host}", host, "", EVERY_REGION, point.kind.service)
    if point.outpost:
        name += f".{point.outpost}"
    scheme, host, front = "https", "", ""
    if remote.endpoints:
        scheme, host, front = _parts(remote.endpoints[0])
        if _ADDRESS(host):
            raise UsageError(
                f"{point}: its name goes before the endpoint's, so {host} will not do;"
                " name the endpoint by a host name"
            )
    host = f"{name}.{host or _aws_host(remote, _HOSTS[point.kind], point.region)}"
    return Place(f"{scheme}://{host}", host, front, point.region, point.kind.service)


def is_aws(remote: Remote) -> bool:
    """Whether the service is Amazon's own, whose manners are known."""
    return all(_AWS_HOST(_parts(endpoint)[1]) for endpoint in remote.endpoints)


def is_region(text: str) -> bool:
    """Whether a region that a server named may become part of a host name of ours."""
    return bool(_REGION(text)) and len(text) < 32


def region_of_host(url: str) -> str:
    """The region that a URL of Amazon's names; "" for any other."""
    found = _AWS_HOST(urlsplit(url).hostname or "")
    return found[1] if found and is_region(found[1]) else ""


def moved_to(place: Place, bucket: str, url: str) -> str:
    """The endpoint that a redirect to `url` means, or "" when we may not send credentials there."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        return ""
    old = urlsplit(place.root)
    names = {_bare(name or "", bucket) for name in (old.hostname, parts.hostname)}
    upgraded = parts.scheme == "https" and old.scheme == "http"
    same_port = _port(parts.scheme, parts.port) == _port(old.scheme, old.port)
    if len(names) > 1 or not (upgraded or (parts.scheme == old.scheme and same_port)):
        return ""
    front = place.path.removesuffix("/" + quote(bucket, safe=""))
    host = f"[{names.pop()}]" if ":" in parts.hostname else names.pop()
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{front}"


def _bare(host: str, bucket: str) -> str:
    return host.removeprefix(f"{bucket}.")


def _port(scheme: str, port: int | None) -> int:
    return port or _PORTS[scheme]


def _aws_host(remote: Remote, service: str, region: str) -> str:
    """Amazon's own host of a service in a region."""
    if remote.fips and partition_of(region) == "aws-cn":
        raise UsageError(f"there are no FIPS endpoints in {region}; leave out fips")
    return f"{_aws_name(remote, service)}.{region}.{domain_of(region)}"


def _aws_name(remote: Remote, service: str) -> str:
    """How a host of `service` begins, in the variant that is wanted."""
    if remote.fips and service in _NO_FIPS:
        raise UsageError(f"{service} has no FIPS endpoints; leave out fips")
    if remote.dual_stack and service in _NO_DUAL_STACK:
        raise UsageError(f"{service} has no dual-stack endpoints; leave out dual_stack")
    fips, dual_stack = "-fips" * remote.fips, ".dualstack" * remote.dual_stack
    return f"{service}{fips}{dual_stack}"


def _parts(endpoint: str) -> tuple[str, str, str]:
    """Scheme, host (with any port that is not the scheme's own) and path of an endpoint's URL."""
    parts = urlsplit(endpoint)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in _PORTS or not parts.hostname or port == -1:
        raise ConfigError("an endpoint must look like https://host[:port][/path]")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError("an endpoint must hold no user name, password, query or fragment")
    name = parts.hostname
    host = f"[{name}]" if ":" in name else name.encode("idna").decode()
    if port and port != _PORTS[parts.scheme]:
        host = f"{host}:{port}"
    return parts.scheme, host, quote(parts.path.rstrip("/"), safe="/~%")
