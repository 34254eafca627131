"""The journal of bucketd: what was written while a scan looked elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from bucketline.engines.ring.client import Client
from bucketline.errors import BadListing, StoreError
from bucketline.flow.drive import blocking

_PAGE = 1000
_DELETE = 5  # The one method that surely refers to nothing.
Cursor = dict[str, int]  # Session -> the last entry of its journal.


class Gap(BadListing):
    """The journal does not tell everything."""


class Written(NamedTuple):
    """Metadata that was put."""

    bucket: str
    key: str
    value: Any  # None when it cannot be read.


def cursor(client: Client) -> Cursor:
    """Where each session's journal stands now."""
    return {session: _end(client, session) for session in sessions(client)}


def sessions(client: Client) -> list[str]:
    """The raft sessions; of none nothing could be told, and that would look like an empty S3."""
    found = as_json(client, "/_/raft_sessions")
    try:
        names = [str(one["id"]) for one in found]
    except (KeyError, TypeError):
        names = []
    if not names:
        raise BadListing(f"{client.url}: bucketd names no raft session; look at bucketd, run again")
    return names


def written(
    client: Client, since: Mapping[str, int], until: Cursor | None = None
) -> Iterator[Written]:
    """Everything that was put since then; a journal with a hole in it is a `Gap`."""
    for entry in _entries(client, since, until):
        yield from _puts(entry)


def touched(client: Client, since: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Bucket and key of whatever was put or deleted since then."""
    for entry in _entries(client, since, None):
        with suppress(AttributeError, TypeError):  # What is no entry names nothing.
            yield from [
                (str(entry["db"]), plain(str(one.get("key", ""))))
                for one in entry.get("entries") or []
                if "db" in entry
            ]


def plain(key: str) -> str:
    """The key of an object, of one of a bucket's entries: its master's, or a version's."""
    return key.partition("\0")[0].removeprefix("\x7fM").removeprefix("\x7fV")


def _entries(
    client: Client, since: Mapping[str, int], until: Cursor | None
) -> Iterator[Mapping[str, Any]]:
    now = cursor(client) if until is None else until
    if now.keys() != since.keys():
        raise Gap("the raft sessions are not those of the beginning")
    for session, end in now.items():
        if end < since[session]:
            raise Gap(f"session {session}: its journal went back")
        begin = since[session] + 1
        while begin <= end:
            entries = _page(client, session, begin)
            yield from entries
            begin += len(entries)


def _end(client: Client, session: str) -> int:
    """Without a beginning, the newest entry is told."""
    try:
        page = as_json(client, f"/_/raft_sessions/{session}/log?limit=1&targetLeader=true")
        return int(page["info"]["cseq"])
    except (KeyError, TypeError, ValueError):
        raise Gap(f"session {session}: its journal does not tell where it ends") from None
    except StoreError as error:
        raise _gap(session, error) from None


def _page(client: Client, session: str, begin: int) -> list[Any]:
    path = f"/_/raft_sessions/{session}/log?begin={begin}&limit={_PAGE}&targetLeader=true"
    try:
        page = as_json(client, path)
        start, entries = int(page["info"]["start"]), list(page["log"])
    except (KeyError, TypeError, ValueError):
        raise Gap(f"session {session}: its journal cannot be read") from None
    except StoreError as error:
        raise _gap(session, error) from None
    if start != begin or not entries:
        raise Gap(f"session {session}: its journal lacks entry {begin}, perhaps pruned")
    return entries


def _gap(session: str, error: StoreError) -> StoreError:
    """What may pass stays what it is: running again cures it."""
    if error.remedy.value == "retry" or isinstance(error, Gap):
        return error
    return Gap(f"session {session}: its journal is not told ({error})")


def _puts(entry: Any) -> list[Written]:
    """What is no entry may have been a reference, which nobody can read."""
    try:
        if entry.get("method") == _DELETE:
            return []
        bucket = str(entry.get("db", ""))
        puts = [one for one in entry.get("entries") or [] if one.get("type") != "del"]
        return [
            Written(bucket, str(one.get("key", "")), _decoded(one["value"]))
            for one in puts
            if one.get("value")
        ]
    except (AttributeError, TypeError):
        return [Written("", "", None)]


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None


def as_json(client: Client, path: str) -> Any:
    answer = blocking(client.ask("GET", path))
    try:
        return json.loads(bytes(answer.body))
    except ValueError:
        raise BadListing(f"{client.url}{path.partition('?')[0]}: answered no JSON") from None
