"""A run of the ring fsck over the double, and what it found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bucketline.clock import FakeClock
from bucketline.config.values import Ring
from bucketline.engines.ring import site
from bucketline.engines.ring.client import Patience
from bucketline.engines.ring.findings import PHASES
from bucketline.engines.ring.keys import fingerprint
from bucketline.engines.ring.site import Site
from bucketline.flow.query.base import Bounds, Engine
from bucketline.flow.query.duck import Duck
from ring.making import NOW, Maker
from ring.services import Services

HASTE = Patience(tries=3, first_seconds=0.0)


@contextmanager
def opened(
    services: Services, folder: Path, *, now: float = NOW, is_new: bool = False
) -> Iterator[Site]:
    """The newest run, or a first one, or a new one."""
    with opened_at(services.url, folder, now=now, is_new=is_new) as found:
        yield found


@contextmanager
def opened_at(url: str, folder: Path, *, now: float = NOW, is_new: bool = False) -> Iterator[Site]:
    """The same, of services that are elsewhere."""
    engine = Duck(Bounds("256MB", 2, folder / "spill"))
    try:
        before = set((folder / "R").glob("run-*"))
        found = site_at(url, folder, engine, now)
        if is_new and found.folder in before:
            found.folder = site.begin(found.ring, found.clock)
        yield found
    finally:
        engine.close()


def site_at(url: str, folder: Path, engine: Engine, now: float = NOW) -> Site:
    """The newest run of the ring whose services are all there, or a first one."""
    clock, gone = FakeClock(now), (fingerprint(Maker(random.Random(1)).input_key("gone")),)
    ring = Ring("R", folder, supervisor=url, bucketd=url, rebuild=url, fingerprints=gone)
    run = site.last(ring) if site.runs(ring) else site.begin(ring, clock)
    return Site(ring, run, engine, clock, patience=HASTE)


def look(found: Site) -> None:
    for perform in PHASES.values():
        perform(found)


def told(found: Site) -> Counter[tuple[str, str, str]]:
    """The findings as the truth is written."""
    both = ("orphans", "missing")
    sql = " UNION ALL ".join(f"SELECT class, input_key, key FROM {one}" for one in both)
    return Counter(found.engine.rows(sql, found.files(*both)))


def expected(services: Services) -> set[tuple[str, str, str]]:
    return services.world.truth


def configured(services: Services, folder: Path) -> Path:
    """A configuration of this ring, whose runs lie in `folder`/rings."""
    url, gone = services.url, fingerprint(services.world.input_key("gone"))
    config = folder / "config.yaml"
    config.write_text(
        f"rings:\n  R:\n    path: rings\n    supervisor: {url}\n    bucketd: {url}\n"
        f"    rebuild: {url}\n    fingerprints: [{gone}]\n"
    )
    return config
