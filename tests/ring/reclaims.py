"""What comes before a reclaim: two runs that agree, and gates that a person has looked at."""

from __future__ import annotations

from pathlib import Path

from bucketline.engines.ring import gates
from bucketline.engines.ring.gates import Terms
from bucketline.engines.ring.site import Site
from ring.making import NOW
from ring.services import Services
from ring.sites import look, opened

DAY = 86_400
LATER = NOW + 15 * DAY
MANY = Terms(allowed=None, sample=50)


def looked_twice(services: Services, folder: Path) -> None:
    """Two runs, the grace apart; nothing fails."""
    with opened(services, folder) as found:
        look(found)
    services.now = LATER
    services.world.uploads_begin(LATER - DAY)
    with opened(services, folder, now=LATER, is_new=True) as found:
        look(found)


def terms(found: Site) -> Terms:
    """So many orphans are allowed as there are: the double has a large share of them."""
    shut = {gate.name: gate.why for gate in gates.examine(found, MANY) if gate.why}
    count = int(shut["share"].split()[-1]) if "share" in shut else None
    return MANY._replace(allowed=count)
