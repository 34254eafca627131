"""Where a bucket is: from a remote's configuration, and from what a server says, to a URL root."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from bucketline.errors import ConfigError
from bucketline.settings import Remote

_PORTS = {"http": 80, "https": 443}
_REGION = re.compile(r"[a-z]{2,}(-[a-z0-9]+)*").fullmatch
_AWS_HOST = re.compile(r"(?:.+\.)?s3[.-]([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?").fullmatch
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]").fullmatch
_DOTTED = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]").fullmatch
_PARTITIONS = {
    "cn-": "amazonaws.com.cn",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eusc-": "amazonaws.eu",
}


@dataclass(frozen=True, slots=True)
class Place:
    """The URL of a key is `root + path + "/" + key`; a signature covers `host` and `path`."""

    root: str  # "https://host:port"
    host: str  # As the Host header says it.
    path: str  # "", "/bucket" or "/front/bucket"
    region: str


def place_of(remote: Remote, bucket: str, region: str = "", endpoint: str = "") -> Place:
    """Where `bucket` is; a region or an endpoint learnt from the server comes before our own."""
    region = region or remote.region or "us-east-1"
    own = endpoint or (remote.endpoints[0] if remote.endpoints else "")
    scheme, host, front = _parts(own) if own else ("https", f"s3.{region}.{_domain(region)}", "")
    virtual = not own if remote.path_style is None else not remote.path_style
    named = _HOST_LABEL(bucket) or (scheme == "http" and _DOTTED(bucket))
    if virtual and named and not host.startswith("["):
        host = f"{bucket}.{host}"
        return Place(f"{scheme}://{host}", host, front, region)
    return Place(f"{scheme}://{host}", host, f"{front}/{quote(bucket, safe='')}", region)


def is_aws(remote: Remote) -> bool:
    """Whether the service is Amazon's own, whose manners are known."""
    return not remote.endpoints or bool(_AWS_HOST(_parts(remote.endpoints[0])[1]))


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


def _domain(region: str) -> str:
    for start, domain in _PARTITIONS.items():
        if region.startswith(start):
            return domain
    return "amazonaws.com"


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
