"""What runs have learnt of a service, for the next ones: a file in the state folder.

What is remembered counts only once the service has answered in this run and still calls itself by
the same name (its Server header), and not longer than a month: then it is found out anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bucketline.clock import Clock
from bucketline.durable import whole_file
from bucketline.errors import DiskError

if TYPE_CHECKING:
    from bucketline.stores.s3.client import Client

FILE = "endpoints.json"
VERSION = 1
_FORGOTTEN_SECONDS = 30 * 86_400.0
_SIZE_MAX = 4 << 20
_ENDPOINTS_MAX = 1_000  # The file stays small: those learnt of last.
# Attributes of a client that are False until they are proven; nothing is used that is not.
_PROVEN = ("knows_acl", "knows_locks", "copies_in_place", "finishes_as_listed", "knows_tags")
MUST_SORT = "must_sort"  # Of a bucket: its listing comes without order.

Fact = bool | list[str]
Facts = Mapping[str, Fact]


class _Entry(NamedTuple):
    """What is known of one endpoint: fact -> value and since when."""

    server: str
    facts: dict[str, tuple[Fact, float]]


class Manners:
    """The file. Damaged, or of a newer program, it is as good as none, and a person is told."""

    def __init__(self, folder: Path, clock: Clock, notice: Callable[[str], None]) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._notice = notice
        self._is_newer = False
        self._gone: set[str] = set()  # What turned out to be another server.
        self._entries = self._read()

    def of(self, endpoint: str, server: str) -> Facts:
        """What is known of this endpoint, if the server is still the same one."""
        entry = self._entries.get(endpoint)
        if entry is None or entry.server != server:
            return {}
        oldest = self._clock.now() - _FORGOTTEN_SECONDS
        return {name: fact for name, (fact, since) in entry.facts.items() if since >= oldest}

    def hints(self, endpoint: str) -> Facts:
        """The same before it has answered: for what does no harm if it is wrong."""
        entry = self._entries.get(endpoint)
        return self.of(endpoint, entry.server) if entry else {}

    def keep(self, endpoint: str, server: str, facts: Facts) -> None:
        """Known from now on; what was known before keeps its age."""
        now, before = self._clock.now(), self._entries.get(endpoint)
        kept = dict(before.facts) if before is not None and before.server == server else {}
        for name, fact in facts.items():
            if name not in kept or kept[name][0] != fact or name not in self.of(endpoint, server):
                kept[name] = (fact, now)
        if kept:
            self._entries[endpoint] = _Entry(server, kept)
        else:
            self._entries.pop(endpoint, None)
            self._gone.add(endpoint)

    def save(self) -> None:
        """Write the file, whole or not at all; what other processes wrote meanwhile stays."""
        ours, theirs = self._entries, self._read()
        if self._is_newer or ours == theirs:
            return
        left = {name: entry for name, entry in theirs.items() if name not in self._gone}
        newest = sorted({**left, **ours}.items(), key=lambda item: _age(item[1]))
        self._entries = dict(newest[-_ENDPOINTS_MAX:])
        text = json.dumps({"version": VERSION, "endpoints": self._entries}, indent=1)
        try:
            with whole_file(self._path, 0o600) as file:
                file.write(text.encode())
        except DiskError as error:  # It would only have spared the next run a few questions.
            self._notice(str(error))

    def _read(self) -> dict[str, _Entry]:
        try:
            with self._path.open("rb") as file:
                found = json.loads(file.read(_SIZE_MAX))
            if found["version"] > VERSION:
                self._is_newer = True
                self._notice(f"{self._path}: written by a newer bucketline; left alone, unused")
                return {}
            entries = found["endpoints"].items()
            return {endpoint: _entry(*entry) for endpoint, entry in entries}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self._notice(f"{self._path}: is damaged, and as good as none; it will be made anew")
            return {}


def told_by(client: Client) -> dict[str, Fact]:
    """What `client` has found out of its service that the next run need not."""
    able = client.able
    facts: dict[str, Fact] = {name: True for name in _PROVEN if getattr(client, name)}
    facts |= {"conditional_write": True} if able.conditional_write else {}
    facts |= {"checksums": sorted(able.checksums)} if able.checksums else {}
    lacks = {
        "tags": not able.tags,
        "lists_parts": not able.lists_parts,
        "begin_keeps_object": able.begin_keeps_object is False
        and client.remote.begin_keeps_object is None,
        "lists_v2": client.lists_v1,
        "deletes_in_batches": not client.deletes_in_batches,
        "takes_unsigned": client.signs_body,
        "tells_parts": not client.tells_parts,
    }
    facts |= {name: False for name, is_lacking in lacks.items() if is_lacking}
    if client.plus_is_blank is not None:
        facts["plus_is_blank"] = client.plus_is_blank
    return facts


def taken_by(client: Client, facts: Facts, *, is_first: bool) -> None:
    """What is remembered of an endpoint that has answered.

    Of several endpoints each must be known for what counts as proven: the others may be others.
    """
    for name in _PROVEN:
        here, there = getattr(client, name), facts.get(name) is True
        setattr(client, name, here or there if is_first else here and there)
    checksums = facts.get("checksums")
    proven = frozenset(checksums) if isinstance(checksums, list) else frozenset()
    able = client.able
    writes = facts.get("conditional_write") is True
    client.able = replace(
        able,
        tags=able.tags and facts.get("tags") is not False,
        lists_parts=able.lists_parts and facts.get("lists_parts") is not False,
        begin_keeps_object=False
        if facts.get("begin_keeps_object") is False and client.remote.begin_keeps_object is None
        else able.begin_keeps_object,
        conditional_write=able.conditional_write or writes
        if is_first
        else able.conditional_write and writes,
        checksums=able.checksums | proven if is_first else able.checksums & proven,
    )
    client.lists_v1 |= facts.get("lists_v2") is False
    client.deletes_in_batches &= facts.get("deletes_in_batches") is not False
    client.signs_body |= facts.get("takes_unsigned") is False
    client.tells_parts &= facts.get("tells_parts") is not False
    plus = facts.get("plus_is_blank")
    if client.plus_is_blank is None and isinstance(plus, bool):
        client.plus_is_blank = plus


def _entry(server: Any, facts: Any) -> _Entry:
    found: dict[str, tuple[Fact, float]] = {}
    for name, (fact, since) in facts.items():
        if isinstance(fact, list):
            fact = [str(word) for word in fact]  # noqa: PLW2901 - A stranger's file.
        elif not isinstance(fact, bool):
            raise TypeError(name)
        found[str(name)] = (fact, float(since))
    return _Entry(str(server), found)


def _age(entry: _Entry) -> float:
    return max((since for _, since in entry.facts.values()), default=0.0)
