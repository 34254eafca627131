"""One side of an old file, checked: where it is, by which endpoints, with which keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bucketline.config.scripts.old import OldFile, Where
from bucketline.config.scripts.words import SideName
from bucketline.errors import UsageError
from bucketline.locations import parse_location
from bucketline.settings import Environment, Remote, Secret, Side, as_folder, check_endpoint

NO_ENDPOINT = "no_endpoint"
SNOW = "snow"
_ACCELERATE = re.compile(
    r"(?:https?://)?(?:.+\.)?(s3-accelerate(?:\.dualstack)?\.amazonaws\.com)/?"
)
_SAMPLE = re.compile(r"(?i)your?[-_ ]")  # How the scripts' own samples begin.
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class OldSide:
    """What lives on of it."""

    name: SideName
    bucket: str
    prefix: str  # "" or with a slash at its end.
    region: str
    endpoints: tuple[str, ...]  # None = Amazon's own.
    is_accelerated: bool = False
    access_key: Secret = field(default_factory=lambda: Secret(""))
    secret_key: Secret = field(default_factory=lambda: Secret(""))

    @property
    def path(self) -> str:
        return f"{self.bucket}/{self.prefix}"

    @property
    def is_unchecked(self) -> bool:
        """Whether the scripts spoke TLS with it and trusted whoever answered."""
        return any(url.startswith("https:") for url in self.endpoints) and not self.is_accelerated

    def holds(self, other: OldSide) -> bool:
        """Whether the other one lies inside."""
        mine, theirs = ((set(side.endpoints), side.bucket) for side in (self, other))
        return mine == theirs and other.prefix.startswith(self.prefix)


def side_of(old: OldFile, name: SideName) -> OldSide:
    """The side; what is wrong with it is complained of, and something harmless stands in for it."""
    if not _is_s3(old, name):
        return OldSide(name, "", "", "", ())
    bucket = _bucket(old, name)
    prefix = _prefix(old, name)
    endpoints, is_accelerated = _endpoints(old, name)
    region = old.text(name, "region")
    if region == SNOW and not endpoints:
        old.complain(old.where(name, "endpoints"), "a device needs its endpoint; write its URL")
    _check_place(old, name, f"{bucket}/{prefix}")
    access_key, secret_key = _keys(old, name)
    return OldSide(name, bucket, prefix, region, endpoints, is_accelerated, access_key, secret_key)


def is_azure(old: OldFile, name: SideName) -> bool:
    """Whether the side is no S3 at all."""
    return old.text(name, "service").upper() == "AZURE"


def _is_s3(old: OldFile, name: SideName) -> bool:
    if is_azure(old, name):
        why = "an Azure container is no S3: bucketline cannot move it; keep the script for this one"
    elif old.text(name, "service").upper() in ("", "AWS"):
        return True
    else:
        why = "must be AWS, which is the scripts' word for S3"
    old.complain(old.where(name, "service"), why)
    return False


def _bucket(old: OldFile, name: SideName) -> str:
    bucket = old.text(name, "bucket")
    if not bucket:
        old.complain(old.where(name, "bucket"), "is missing; name the bucket")
    return bucket


def _prefix(old: OldFile, name: SideName) -> str:
    """The scripts took every prefix as a folder, and keys do not begin with a slash."""
    return as_folder(old.text(name, "prefix").lstrip("/"))


def _check_place(old: OldFile, name: SideName, path: str) -> None:
    """As `sync` will read it."""
    remotes = {"old": Remote(name="old")}
    try:
        if not path.startswith("/"):
            nothing = Side()
            parse_location(
                f"old:{path}",
                remotes=remotes,
                side=nothing,
                both=nothing,
                environment=Environment({}),
            )
    except UsageError as error:
        what = "prefix" if "wildcard" in str(error) else "bucket"
        old.complain(old.where(name, what), str(error).removeprefix(f"old:{path}: "))


def _endpoints(old: OldFile, name: SideName) -> tuple[tuple[str, ...], bool]:
    where = old.where(name, "endpoints")
    value = old.value(where)
    listed = [value] if isinstance(value, str) else value
    if not listed:
        old.complain(where, f"is missing; write its URL, or {NO_ENDPOINT} for Amazon's own")
        return (), False
    if not isinstance(listed, list) or not all(isinstance(url, str) for url in listed):
        old.complain(where, "must be a URL or a list of URLs, in quotes")
        return (), False
    urls = [str(url).strip() for url in listed]
    if NO_ENDPOINT in urls:
        if len(set(urls)) > 1:
            old.complain(where, f"{NO_ENDPOINT} goes with no other; choose which of them is meant")
        return (), False
    if found := _ACCELERATE.fullmatch(urls[0]):
        return (f"https://{found[1]}",), True
    is_list = not isinstance(value, str)
    for number, url in enumerate(urls):
        _check_url(old, (*where, number) if is_list else where, url)
    return tuple(dict.fromkeys(urls)), False


def _check_url(old: OldFile, where: Where, url: str) -> None:
    try:
        check_endpoint(url)
    except UsageError as error:
        old.complain(where, str(error))


def _keys(old: OldFile, name: SideName) -> tuple[Secret, Secret]:
    access_key, secret_key = (_key(old, name, what) for what in ("access_key", "secret_key"))
    if bool(access_key) != bool(secret_key):
        missing = "secret_key" if access_key else "access_key"
        old.complain(
            old.where(name, missing), "is empty, and the other key is not; give both or neither"
        )
    return Secret(access_key), Secret(secret_key)


def _key(old: OldFile, name: SideName, what: str) -> str:
    value = old.text(name, what)
    if _SAMPLE.match(value):
        old.complain(
            old.where(name, what), "is the sample's; put the key there, or leave both keys empty"
        )
    elif _UNPRINTABLE.search(value):
        old.complain(old.where(name, what), "holds spaces or line breaks; correct it")
    return value
