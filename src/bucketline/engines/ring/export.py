"""export: every reference that the metadata of S3 holds, uploads under way before objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bucketline.durable import whole_file
from bucketline.engines.ring.client import Client, escaped
from bucketline.engines.ring.inventory import Latest, Which, listed_object, seconds
from bucketline.engines.ring.journal import Cursor, Gap, Written, cursor, written
from bucketline.engines.ring.journal import as_json as _json
from bucketline.engines.ring.keys import padded
from bucketline.engines.ring.site import Site
from bucketline.errors import BadListing
from bucketline.flow.query.datasets import Dataset
from bucketline.flow.query.rows import Rows

SHADOW = "mpuShadowBucket"
REGISTRY = "users..bucket"
_MARK = "..|.."
_PAGE = 1000
_REPLAY = "\x7fR"


class _Object(NamedTuple):
    """Whose references are told."""

    kind: str
    bucket: str
    key: str
    version: str = ""
    upload: str = ""


def export(site: Site, only: str = "") -> None:
    """Every bucket, or `only` one, which then covers a part alone."""
    dataset, objects = site.dataset("export"), site.dataset("objects")
    site.dataset("listkeys").manifest()  # The ring comes first: what is written later refers to it.
    if dataset.is_sealed:
        return
    client = site.client(site.ring.bucketd)
    why = [f"the bucket {only} alone"] if only else []
    try:
        since = _since(dataset, client)
    except Gap as error:
        since, why = {}, [*why, str(error)]
    names = buckets(client)
    if only:
        names = [name for name in names if name in {only, SHADOW + only}]
    for name in site.going.through("export", "buckets", names):
        piece = f"b-{escaped(name)}"
        if not dataset.has(piece):
            # The inner one is there first: where there are references, there are objects.
            with dataset.piece(piece) as rows, objects.piece(piece) as told:
                _bucket(client, name, rows, told)
    try:
        if since and not dataset.has("journal"):
            with dataset.piece("journal") as rows:
                for one in written(client, since):
                    _journaled(rows, one)
    except Gap as error:
        why.append(str(error))
    objects.seal(why_partial="; ".join(why))
    dataset.seal(why_partial="; ".join(why), notes={"cursor": since})


def _since(dataset: Dataset, client: Client) -> Cursor:
    """Where the journal stood before the first bucket was looked at, whoever goes on with it."""
    path = dataset.folder / "cursor.json"
    if not path.exists():
        dataset.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(json.dumps(cursor(client)).encode() + b"\n")
    found: Cursor = json.loads(path.read_text())
    return found


def buckets(client: Client) -> list[str]:
    """All of them, those of uploads under way before those that uploads end in."""
    found: set[str] = set()
    sessions = _json(client, "/_/raft_sessions")
    for session in sessions:
        found |= set(_json(client, f"/_/raft_sessions/{session['id']}/bucket"))
    return sorted(found - {REGISTRY}, key=lambda name: (not name.startswith(SHADOW), name))


def first_key(client: Client, bucket: str) -> str:
    """The input key of some object on the first page of a bucket; "" when there is none."""
    page = _json(client, f"/default/bucket/{escaped(bucket)}?maxKeys={_PAGE}&marker=")
    for entry in page["Contents"]:
        value = json.loads(entry["value"])
        location = value.get("location") if isinstance(value, dict) else None
        if isinstance(location, list) and location:
            return padded(str(location[0].get("key", "")))
    return ""


def _bucket(client: Client, name: str, rows: Rows, told: Rows) -> None:
    if name.startswith(SHADOW):
        _uploads(client, name, rows)
        return
    latest = Latest()
    for key, listed in _entries(client, name):
        value = listed
        plain, _, version = key.partition("\0")
        if plain.startswith(_REPLAY):
            continue
        plain = plain.removeprefix("\x7fM").removeprefix("\x7fV")
        if not isinstance(value, dict) or not value:
            _issue(rows, _Object("object", name, plain, version), "EMPTY_MD")
            continue
        which = latest.judge(plain, version, value)
        if which is Which.NONE:
            continue
        version = version or str(value.get("versionId") or "")
        told.add(listed_object(name, (plain, version), value, is_latest=which is Which.LATEST))
        if "location" not in value and int(value.get("content-length") or 0):
            value = _json(client, f"/default/bucket/{escaped(name)}/{escaped(key)}")
        _object(rows, _Object("object", name, plain, version), value)


def _object(rows: Rows, about: _Object, value: Mapping[str, Any]) -> None:
    size, modified = int(value.get("content-length") or 0), seconds(value.get("last-modified"))
    location = value.get("location")
    if isinstance(location, str):
        location = [{"key": location, "size": size}]
    if not location:
        if size:
            _issue(rows, about, "NO_LOCATION")
        return
    ours = [one for one in location if one.get("dataStoreType", "scality") == "scality"]
    for number, one in enumerate(ours, 1):
        _reference(rows, about, (number, one, modified))
    if len(ours) == len(location) and size != sum(int(one.get("size", 0)) for one in ours):
        _issue(rows, about, "SIZE_MISMATCH")


def _uploads(client: Client, name: str, rows: Rows) -> None:
    """Parts refer to data as objects do; those whose upload is not there were abandoned."""
    bucket = name.removeprefix(SHADOW)
    known: dict[str, str] = {}
    for key, _ in _entries(client, name):
        words = key.split(_MARK)
        if words[0] == "overview" and len(words) >= 3:
            known[words[-1]] = _MARK.join(words[1:-1])
    for key, value in _entries(client, name):
        upload, _, number = key.partition(_MARK)
        if upload == "overview" or not isinstance(value, dict):
            continue
        kind = "mpu_part" if upload in known else "abandoned_part"
        about = _Object(kind, bucket, known.get(upload, ""), "", upload)
        for one in value.get("partLocations") or []:
            part = int(number) if number.isdecimal() else 0
            _reference(rows, about, (part, one, seconds(value.get("last-modified"))))


def _journaled(rows: Rows, one: Written) -> None:
    """It may have moved from what was not yet read to what had been: a reference all the same."""
    if one.bucket == REGISTRY:
        return
    about = _Object("journal", one.bucket.removeprefix(SHADOW), one.key)
    for reference in references(one):
        _reference(rows, about, (0, reference, seconds((one.value or {}).get("last-modified"))))


def references(one: Written) -> list[Mapping[str, Any]]:
    """What it refers to; an empty one stands for what cannot be told."""
    if not isinstance(one.value, dict):
        return [{}]
    found = one.value.get("location") or one.value.get("partLocations") or []
    if isinstance(found, str):
        return [{"key": found}]
    ours = [part for part in found if part.get("dataStoreType", "scality") == "scality"]
    is_silent = "location" not in one.value and "partLocations" not in one.value
    return [{}] if is_silent and int(one.value.get("content-length") or 0) else ours


def _reference(rows: Rows, about: _Object, told: tuple[int, Mapping[str, Any], int]) -> None:
    number, one, modified = told
    try:
        input_key, issue = padded(str(one["key"])), ""
    except (KeyError, ValueError):
        input_key, issue = "", "UNRESOLVED"
    rows.add((*about, input_key, number, int(one.get("size", 0)), modified, issue))


def _issue(rows: Rows, about: _Object, issue: str) -> None:
    rows.add((*about, "", 0, 0, 0, issue))


def _entries(client: Client, bucket: str) -> Iterator[tuple[str, Any]]:
    """Every entry of a bucket; a listing that does not go on is an error, never an end."""
    marker, place = "", f"/default/bucket/{escaped(bucket)}"
    while True:
        page = _json(client, f"{place}?maxKeys={_PAGE}&marker={escaped(marker)}")
        for entry in page["Contents"]:
            value = entry["value"]
            yield entry["key"], json.loads(value) if isinstance(value, str) else value
        if not page["IsTruncated"]:
            return
        if not page["Contents"] or page["Contents"][-1]["key"] <= marker:
            raise BadListing(f"bucket {bucket}: its listing does not go on; run again")
        marker = page["Contents"][-1]["key"]
