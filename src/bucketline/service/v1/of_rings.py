"""What the fsck of storage rings found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from bucketline.service.rings import Rings
from bucketline.service.v1.words import LIMIT, Limit, Offset, Told


def add(routes: APIRouter, rings: Rings) -> None:
    @routes.get("/rings")
    def all_rings() -> Told:
        """Rings of the configuration: what the last whole run of each found, and its capacity."""
        return {"rings": rings.all()}

    @routes.get("/rings/{ring}/findings")
    def findings(
        ring: str,
        kind: Annotated[str, Query(alias="class", max_length=40)] = "",
        limit: Limit = LIMIT,
        offset: Offset = 0,
    ) -> Told:
        """Findings of its last whole run, by class and key."""
        return {"findings": rings.findings(ring, kind, limit, offset)}
