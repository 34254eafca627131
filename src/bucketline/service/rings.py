"""What runs of the ring fsck found. What is sealed does not change, and is read once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bucketline.clock import Clock
from bucketline.config import Ring
from bucketline.engines.ring import findings, site
from bucketline.engines.ring.capacity import held
from bucketline.engines.ring.findings import PHASES
from bucketline.engines.ring.report import MEANING, orphans_by_run
from bucketline.engines.ring.site import Site
from bucketline.errors import BucketlineError, UsageError
from bucketline.flow.query.base import Bounds
from bucketline.flow.query.datasets import MANIFEST, require_whole
from bucketline.flow.query.duck import Duck
from bucketline.service.configured import Configured

_MEMORY = "512MB"
_FINDING = ("class", "main", "input_key", "bucket", "key", "version", "part", "detail")
_BY = 30  # Lines of each view of the capacity.


class Rings:
    """Of one configuration."""

    def __init__(self, configured: Configured, clock: Clock) -> None:
        self._configured = configured
        self._clock = clock
        self._read: dict[tuple[Path, bool], dict[str, Any]] = {}

    def all(self) -> list[dict[str, Any]]:
        """Each ring; `last` is its last whole run, null when there is none."""
        return [self._told(ring) for ring in self._configured.rings().values()]

    def findings(self, name: str, kind: str, limit: int, offset: int) -> list[dict[str, Any]]:
        """A page; raises `UsageError` for what is no ring, no class, or has no whole run."""
        if kind and kind not in MEANING:
            raise UsageError(f"no class {kind!r}; there are {', '.join(MEANING)}")
        ring = self._configured.rings().get(name)
        folder = _last_whole(ring) if ring else None
        if ring is None or folder is None:
            raise UsageError(f"{name!r}: no such ring, or no run of it that came to its end")
        where = f"WHERE class = '{kind}'" if kind else ""
        sql = f"""SELECT {", ".join(_FINDING)} FROM (
            SELECT * FROM orphans UNION ALL SELECT * FROM missing) f {where}
            ORDER BY {", ".join(_FINDING)} LIMIT {limit} OFFSET {offset}"""  # noqa: S608 - checked
        with self._site(ring, folder) as found:
            rows = list(found.engine.rows(sql, found.files("orphans", "missing")))
        return [dict(zip(_FINDING, row, strict=True)) for row in rows]

    def _told(self, ring: Ring) -> dict[str, Any]:
        told: dict[str, Any] = {"ring": ring.name, "last": None, "error": ""}
        try:
            folder = _last_whole(ring)
            told["last"] = self._last(ring, folder) if folder else None
        except (BucketlineError, OSError, ValueError) as error:
            told["error"] = str(error)
        return told

    def _last(self, ring: Ring, folder: Path) -> dict[str, Any]:
        known = (folder, (folder / "capacity" / MANIFEST).exists())  # It may come later.
        if known not in self._read:
            with self._site(ring, folder) as found:
                self._read[known] = _summary(found)
        return self._read[known]

    @contextmanager
    def _site(self, ring: Ring, folder: Path) -> Iterator[Site]:
        engine = Duck(Bounds(_MEMORY, 1))
        try:
            yield Site(ring, folder, engine, self._clock)
        finally:
            engine.close()


def _last_whole(ring: Ring) -> Path | None:
    """The newest run that has findings."""
    for folder in reversed(site.runs(ring)):
        if all((folder / phase / MANIFEST).exists() for phase in ("orphans", "missing")):
            return folder
    return None


def _summary(found: Site) -> dict[str, Any]:
    """What does not change any more."""
    told = dict(findings.counts(found))
    return {
        "run": found.folder.name,
        "begun": found.begun,
        "begun_at": datetime.fromtimestamp(found.begun, UTC).isoformat(timespec="seconds"),
        "partial": list(require_whole(found.dataset(phase) for phase in PHASES)),
        "classes": [
            {"class": kind, "count": count, "meaning": MEANING.get(kind, "")}
            for kind, count in told.items()
        ],
        "orphans": [{"run": bar.label, "count": bar.amount} for bar in orphans_by_run(found)],
        "capacity": _capacity(found),
    }


def _capacity(found: Site) -> dict[str, list[dict[str, Any]]]:
    """By kind, bucket, protection and age; empty unless `ring capacity` ran."""
    told: dict[str, list[dict[str, Any]]] = {}
    if found.dataset("capacity").is_sealed:
        for column, row in held(found):
            rows = told.setdefault(column, [])
            if len(rows) < _BY:
                rows.append(row._asdict())
    return told
