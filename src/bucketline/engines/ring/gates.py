"""Gates: what must hold before anything may be deleted from a ring. One that is shut is enough."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NamedTuple

from bucketline.engines.ring import passes
from bucketline.engines.ring.client import Client
from bucketline.engines.ring.findings import PHASES
from bucketline.engines.ring.journal import Cursor, Written, touched, written
from bucketline.engines.ring.listing import topology
from bucketline.engines.ring.site import Site, all_of, runs
from bucketline.errors import BucketlineError, Refused
from bucketline.flow.drive import blocking
from bucketline.flow.query.datasets import require_whole
from bucketline.stores.base import Flow

_DAY = 86_400
_AGE_MAX = _DAY  # Of the last run, once it has ended.
_UPLOAD_DAYS = 7  # Longer than the oldest upload under way.
_SHARE_MAX = 0.02
_SKEW_MAX = 300
_SAMPLE = 1000
_AT_ONCE = 200
_HANDED_ON = re.compile(rf"^(({'|'.join(PHASES)}): )+(?=({'|'.join(PHASES)}): )")


class Gate(NamedTuple):
    """`why` it is shut; "" = it is open."""

    name: str
    why: str


class Terms(NamedTuple):
    """What a person says beyond the configuration."""

    allowed: int | None = None  # So many orphans, although that is a large share.
    sample: int = _SAMPLE


def examine(site: Site, terms: Terms) -> list[Gate]:
    """All of them: who is refused learns every reason at once."""
    looks: dict[str, Callable[[], str]] = {
        "runs": lambda: _runs(site),
        "complete": lambda: _complete(site),
        "resolved": lambda: _resolved(site),
        "fresh": lambda: _fresh(site),
        "share": lambda: _share(site, terms.allowed),
        "ring": lambda: _ring(site),
        "clock": lambda: _clock(site),
        "journal": lambda: _journal(site),
        "sample": lambda: sampled(site, terms.sample),
    }
    return [Gate(name, _said(look)) for name, look in looks.items()]


def earlier(site: Site) -> Site:
    """The run that the last one must agree with; raises `Refused` when there is none."""
    gap = max(site.ring.grace_days * _DAY, _longest_upload(site) + _UPLOAD_DAYS * _DAY)
    for folder in reversed(runs(site.ring)):
        found = replace(site, folder=folder)
        if found.begun <= site.begun - gap and _is_ended(found):
            return found
    raise Refused(f"no run ended at least {gap / _DAY:.0f} days before the last one began")


def sampled(site: Site, count: int) -> str:
    """Live objects, drawn at random, must be there for those who ask the ring; one that was
    written over or deleted since the export is none by now.
    """
    sql = passes.sound(random.SystemRandom().getrandbits(64), count)
    rows = site.engine.rows(sql, site.files("digest", "missing"))
    drawn = {key: (bucket, name) for key, bucket, name in rows}
    client = site.client(site.ring.rebuild)
    alias = site.ring.arc_alias or f"arc-{site.ring.name}"

    def is_there(key: str) -> Flow[bool]:
        answer = yield from client.ask("HEAD", f"/rebuild/{alias}/{key}", also=(404,))
        return bool(answer.status == 200)

    keys, absent = iter(drawn), set[str]()
    while some := list(islice(keys, _AT_ONCE)):
        found = all_of([is_there(key) for key in some])
        absent |= {key for key, answer in zip(some, found, strict=True) if not answer}
    if lost := absent and _untouched(site, {key: drawn[key] for key in absent}):
        return f"{len(lost)} of {len(drawn)} live objects are not there, as {min(lost)}"
    if len(absent) == len(drawn):
        return "no live object is known; nothing shows that the ring answers"
    return ""


def _untouched(site: Site, names: Mapping[str, tuple[str, str]]) -> set[str]:
    """Those that the journals tell nothing of since the export began."""
    lately = set(names.values()).intersection(touched(*_journal_since(site)))
    return {key for key, name in names.items() if name not in lately}


def _said(look: Callable[[], str]) -> str:
    try:
        return look()
    except BucketlineError as error:
        return str(error)


def _is_ended(site: Site) -> bool:
    return all(site.dataset(phase).is_sealed for phase in PHASES)


def _runs(site: Site) -> str:
    if not _is_ended(site):
        return "the last run has not come to its end"
    earlier(site)
    return ""


def _longest_upload(site: Site) -> float:
    (oldest,) = next(site.engine.rows(passes.OLDEST_UPLOAD, site.files("digest")))
    return 0.0 if oldest is None else site.begun - oldest


def _complete(site: Site) -> str:
    reasons: list[str] = []
    for run in (site, earlier(site)):
        reasons += require_whole(run.dataset(phase) for phase in PHASES)
    # Of a reason that one dataset had from another, what the first of them said.
    parts = [_HANDED_ON.sub("", part) for one in reasons for part in one.split("; ")]
    return "; ".join(dict.fromkeys(parts))


def _resolved(site: Site) -> str:
    inputs = site.files("orphans", "missing", "digest")
    (count,) = next(site.engine.rows(passes.DOUBTS, inputs))
    return f"{count} references or chunks could not be resolved" if count else ""


def _fresh(site: Site) -> str:
    ended = site.dataset("orphans").manifest().notes.get("ended", 0.0)
    age = site.clock.now() - ended
    if not 0 <= age <= _AGE_MAX:
        return "the last run ended more than a day ago, or in the future; make a new one"
    return ""


def _share(site: Site, allowed: int | None) -> str:
    count, mains = next(site.engine.rows(passes.SHARE, site.files("orphans", "filter")))
    if count <= mains * _SHARE_MAX or count == allowed:
        return ""
    said = f"{count} of {mains} main chunks look like orphans, more than {_SHARE_MAX:.0%}"
    return f"{said}; if that is as it should be, say --allow-orphans {count}"


def _ring(site: Site) -> str:
    nodes = [node.name for node in topology(site)]
    listed = site.dataset("listkeys").manifest().notes.get("nodes")
    return "" if nodes == listed else "its nodes are not those that were listed"


def _clock(site: Site) -> str:
    client = site.client(site.ring.bucketd)
    answer = blocking(client.ask("GET", "/_/raft_sessions"))
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return "bucketd does not tell the time"
    off = abs(theirs - site.clock.now())
    return f"bucketd's clock and ours are {off:.0f} s apart" if off > _SKEW_MAX else ""


def _journal(site: Site) -> str:
    for _ in tail(site):
        pass
    return ""


def tail(site: Site) -> Iterator[Written]:
    """What was put since the export began, up to now."""
    yield from written(*_journal_since(site))


def _journal_since(site: Site) -> tuple[Client, Cursor]:
    since = site.dataset("export").manifest().notes.get("cursor") or {}
    if not since:
        raise Refused("the export has no journal")
    return site.client(site.ring.bucketd), since
