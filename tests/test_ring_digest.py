"""digest asks the ring for the pieces of split objects, and for nothing else."""

from __future__ import annotations

from pathlib import Path

from bucketline.engines.ring.digest import digest
from bucketline.engines.ring.export import export
from bucketline.engines.ring.listing import list_keys
from ring.services import serve
from ring.sites import opened
from ring.world import World

OBJECTS = 600
REQUESTS_MAX = 0.05  # An object, of the generator's mix.


def test_no_key_is_asked_for_but_those_of_split_objects(tmp_path: Path) -> None:
    with serve(World(1, OBJECTS)) as services, opened(services, tmp_path) as found:
        list_keys(found)
        export(found)
        before = services.asked.copy()
        digest(found)
        asked = services.asked - before

    assert set(asked) == {"GET arc"}
    assert 0 < asked.total() <= OBJECTS * REQUESTS_MAX
