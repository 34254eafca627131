"""export: every reference that the metadata of S3 holds, uploads under way before objects."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bucketline.durable import replace_file
from bucketline.engines.ring.client import Client, escaped
from bucketline.engines.ring.inventory import Latest, Which, listed_object, seconds
from bucketline.engines.ring.journal import Cursor, Gap, Written, cursor, plain, sessions, written
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
_ODD = (AttributeError, KeyError, TypeError, ValueError)  # Of metadata in another shape.


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
    since = _since(dataset, client)
    if not since:
        why.append("no journal told where it stood when the export began")
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
    """Where the journal stood before the first bucket was looked at, whoever goes on with it; what
    it did not tell then, no later look can make good. Pieces without it are of another export.
    """
    path = dataset.folder / "cursor.json"
    if not path.exists():
        shutil.rmtree(dataset.folder, ignore_errors=True)
        try:
            now = cursor(client)
        except Gap:
            now = {}
        replace_file(path, json.dumps(now) + "\n")
    found: Cursor = json.loads(path.read_text())
    return found


def buckets(client: Client) -> list[str]:
    """All of them, those of uploads under way before those that uploads end in."""
    found: set[str] = set()
    for session in sessions(client):
        names = _json(client, f"/_/raft_sessions/{session}/bucket")
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise BadListing(f"session {session}: bucketd answers no list of buckets; run again")
        found |= set(names)
    if not found:
        raise BadListing(f"{client.url}: bucketd names no bucket at all; look at it, run again")
    return sorted(found - {REGISTRY}, key=lambda name: (not name.startswith(SHADOW), name))


def first_key(client: Client, bucket: str) -> str:
    """The input key of some object on the first page of a bucket; "" when there is none."""
    found, _ = _page(client, bucket, "")
    for _, value in found:
        try:
            return padded(value["location"][0]["key"])
        except (*_ODD, IndexError):
            continue
    return ""


def _bucket(client: Client, name: str, rows: Rows, told: Rows) -> None:
    if name.startswith(SHADOW):
        _uploads(client, name, rows)
        return
    latest = Latest()
    for key, listed in _entries(client, name):
        value = listed
        if key.startswith(_REPLAY):
            continue
        about = _Object("object", name, plain(key), key.partition("\0")[2])
        if not value:
            _issue(rows, about, "EMPTY_MD")
            continue
        try:
            which = latest.judge(about.key, about.version, value)
            if which is Which.NONE:
                continue
            about = about._replace(version=about.version or str(value.get("versionId") or ""))
            said = (about.key, about.version)
            told.add(listed_object(name, said, value, is_latest=which is Which.LATEST))
            if "location" not in value and int(value.get("content-length") or 0):
                value = _json(client, f"/default/bucket/{escaped(name)}/{escaped(key)}")
            _object(rows, about, value)
        except _ODD:
            _issue(rows, about, "UNRESOLVED")


def _object(rows: Rows, about: _Object, value: Mapping[str, Any]) -> None:
    size, modified = int(value.get("content-length") or 0), seconds(value.get("last-modified"))
    location = value.get("location")
    if isinstance(location, str):
        location = [{"key": location, "size": size}]
    if not location:
        if size:
            _issue(rows, about, "NO_LOCATION")
        return
    found = ours(location)
    for number, one in enumerate(found, 1):
        _reference(rows, about, (number, one, modified))
    if len(found) == len(location) and size != sum(int(one.get("size", 0)) for one in found):
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
        if upload == "overview":
            continue
        kind = "mpu_part" if upload in known else "abandoned_part"
        about = _Object(kind, bucket, known.get(upload, ""), "", upload)
        part = int(number) if number.isdecimal() else 0
        try:
            parts = value.get("partLocations") or []
            if part and not parts and int(value.get("content-length", 1)):
                _issue(rows, about, "UNRESOLVED")
            for one in ours(parts if isinstance(parts, list) else [parts]):
                _reference(rows, about, (part, one, seconds(value.get("last-modified"))))
        except _ODD:
            _issue(rows, about, "UNRESOLVED")


def _journaled(rows: Rows, one: Written) -> None:
    """It may have moved from what was not yet read to what had been: a reference all the same."""
    if one.bucket == REGISTRY:
        return
    about = _Object("journal", one.bucket.removeprefix(SHADOW), one.key)
    for reference in references(one):
        said = one.value.get("last-modified") if reference else None
        _reference(rows, about, (0, reference, seconds(said)))


def references(one: Written) -> list[Mapping[str, Any]]:
    """What it refers to; an empty one stands for what cannot be told."""
    try:
        found = one.value.get("location") or one.value.get("partLocations") or []
        if isinstance(found, str):
            return [{"key": found}]
        is_silent = "location" not in one.value and "partLocations" not in one.value
        if is_silent and int(one.value.get("content-length") or 0):
            return [{}]
        return ours(found if isinstance(found, list) else [found])
    except _ODD:
        return [{}]


def ours(location: list[Any]) -> list[Mapping[str, Any]]:
    """What of it lies in the ring, and not in a cloud."""
    return [one for one in location if one.get("dataStoreType", "scality") == "scality"]


def _reference(rows: Rows, about: _Object, told: tuple[int, Mapping[str, Any], int]) -> None:
    number, one, modified = told
    try:
        input_key, issue = padded(str(one["key"])), ""
        size = int(one.get("size", 0))
    except (KeyError, TypeError, ValueError):
        input_key, issue, size = "", "UNRESOLVED", 0
    rows.add((*about, input_key, number, size, modified, issue))


def _issue(rows: Rows, about: _Object, issue: str) -> None:
    rows.add((*about, "", 0, 0, 0, issue))


def _entries(client: Client, bucket: str) -> Iterator[tuple[str, Any]]:
    """Every entry of a bucket; a listing that does not go on is an error, never an end."""
    marker, is_more = "", True
    while is_more:
        found, is_more = _page(client, bucket, marker)
        yield from found
        if is_more and (not found or found[-1][0] <= marker):
            raise BadListing(f"bucket {bucket}: its listing does not go on; run again")
        marker = found[-1][0] if found else marker


def _page(client: Client, bucket: str, marker: str) -> tuple[list[tuple[str, Any]], bool]:
    """Keys with their values, and whether more follow."""
    path = f"/default/bucket/{escaped(bucket)}?maxKeys={_PAGE}&marker={escaped(marker)}"
    page = _json(client, path)
    try:
        found = [(str(one["key"]), _decoded(one["value"])) for one in page["Contents"]]
        return found, page["IsTruncated"]
    except (KeyError, TypeError):
        raise BadListing(f"bucket {bucket}: bucketd answers no page of it; run again") from None


def _decoded(value: Any) -> Any:
    """What is no JSON stays the text that it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
