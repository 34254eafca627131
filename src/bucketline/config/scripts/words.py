"""Every word of the scripts' files, all generations, and what it means here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SideName = Literal["source", "target", "log"]


@dataclass(frozen=True, slots=True)
class Role:
    """A word that lives on: what it says of which side."""

    side: SideName
    what: str  # service bucket prefix region access_key secret_key endpoints


@dataclass(frozen=True, slots=True)
class Needless:
    """A word that has no meaning any more."""

    why: str


@dataclass(frozen=True, slots=True)
class Staging:
    """A word of the relay over local volumes: which of ours it is."""

    what: str  # volumes max_fetch max_send


@dataclass(frozen=True, slots=True)
class OfRing:
    """A word of the storage ring's check: which of a ring's words it is, or of its results'."""

    what: str


Meaning = Role | Needless | Staging | OfRing
Words = Mapping[tuple[str, ...], Meaning]


def _of_side(
    section: str, side: SideName, names: Mapping[str, str]
) -> dict[tuple[str, ...], Meaning]:
    return {(section, word): Role(side, what) for word, what in names.items()}


_STAGED_SIDE = {
    "bucket_name": "bucket",
    "bucket_prefix": "prefix",
    "region": "region",
    "access_key": "access_key",
    "secret_access_key": "secret_key",
}
_DIRECT_SIDE = {
    "service": "service",
    "bucket": "bucket",
    "bucket_prefix": "prefix",
    "region": "region",
    "access_key": "access_key",
    "secret_access_key": "secret_key",
    "endpoint_urls": "endpoints",
}

# Bucket to volumes to bucket: v5, v11, v12 and what came after.
STAGED: Words = {
    **_of_side("source", "source", _STAGED_SIDE),
    ("local", "directory"): Needless("the scripts gave it up; a relay's volumes are named"),
    **_of_side("destination", "target", _STAGED_SIDE),
    ("destination", "delete_staging_data"): Needless(
        "a staged copy goes once its delivery is proven, and never before"
    ),
    ("destination", "staging_volumes"): Staging("volumes"),
    ("transfer_settings", "src_endpoint_url"): Role("source", "endpoints"),
    ("transfer_settings", "dest_endpoint_url"): Role("target", "endpoints"),
    ("transfer_settings", "max_size_to_transfer_src2l"): Staging("max_fetch"),
    ("transfer_settings", "max_size_to_transfer_l2dest"): Staging("max_send"),
    ("transfer_settings", "src_use_native_s3"): Needless(
        "one client moves everything, and every object is proven"
    ),
}
# Bucket to bucket: s3_transfer.py, later cloud_transfer.py.
_ORDERS = Needless("jobs are started by `bucketline serve`, and by nothing in a bucket")
DIRECT: Words = {
    **_of_side("src", "source", _DIRECT_SIDE),
    **_of_side("dst", "target", _DIRECT_SIDE),
    **_of_side("log", "log", _DIRECT_SIDE),
    ("log", "local_directory"): Needless("logs go straight to their place"),
    ("log", "deployment_location"): _ORDERS,
    ("deployment_location",): _ORDERS,
}
# The storage ring's check.
_IN_KEYS = Needless("it is read out of each key")
_BY_HTTP = Needless("what an orphan is, the ring is asked over HTTP")
RING: Words = {
    ("master",): Needless("no cluster is needed; for one say --engine spark --master URL"),
    ("ring",): OfRing("name"),
    ("path",): OfRing("path"),
    ("protocol",): OfRing("protocol"),
    ("srebuildd_ip",): OfRing("rebuild"),
    ("srebuildd_arc_path",): OfRing("arc_alias"),
    ("srebuildd_arcdata_path",): OfRing("arcdata_alias"),
    ("srebuildd_chord_path",): OfRing("chord_alias"),
    ("retention",): OfRing("grace_days"),
    ("arc_protection",): _IN_KEYS,
    ("cos_protection",): _IN_KEYS,
    ("sup", "url"): OfRing("supervisor"),
    ("sup", "login"): OfRing("login"),
    ("sup", "password"): OfRing("password"),
    ("s3", "access_key"): OfRing("access_key"),
    ("s3", "secret_key"): OfRing("secret_key"),
    ("s3", "endpoint"): OfRing("endpoints"),
    **{
        ("nasdk_tools", word): _BY_HTTP
        for word in ("scalarcrevlookupid_bin", "scalsplitgetusermd_bin", "port_range")
    },
    ("nasdk_tools", "arcdata_path"): _BY_HTTP,
}
SPARK = Needless("what SQL may use is said by --memory and --threads")  # spark.…, all of them.


def sections(words: Words) -> dict[str, list[str]]:
    """The sections of a shape, and the words in each."""
    found: dict[str, list[str]] = {}
    for section, *rest in words:
        if rest:
            found.setdefault(section, []).extend(rest)
    return found
