"""The routes of our own, under /v1."""

from __future__ import annotations

from fastapi import APIRouter

from bucketline.service.events import Events
from bucketline.service.jobs import Jobs
from bucketline.service.reader import Reader
from bucketline.service.rings import Rings
from bucketline.service.v1 import of_all, of_jobs, of_rings, of_runs


def router(reader: Reader, events: Events, jobs: Jobs, rings: Rings) -> APIRouter:
    """All of them."""
    routes = APIRouter(prefix="/v1", tags=["v1"])
    of_all.add(routes, reader, events)
    of_runs.add(routes, reader)
    of_jobs.add(routes, jobs)
    of_rings.add(routes, rings)
    return routes
