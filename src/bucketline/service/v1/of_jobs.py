"""Jobs of the configuration: what they are, what they would do, and orders to them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from bucketline.service.jobs import Jobs
from bucketline.service.v1.words import AS_LINES, Told


def add(routes: APIRouter, jobs: Jobs) -> None:
    @routes.get("/jobs")
    def all_jobs() -> Told:
        """Jobs of the configuration, whether they run, and the last run of each."""
        return {"jobs": jobs.all()}

    @routes.post("/jobs/{job}/start", status_code=202)
    def start(job: str) -> Told:
        """Start a job, as a process of its own."""
        return jobs.start(job)

    @routes.post("/jobs/{job}/stop", status_code=202)
    def stop(job: str) -> Told:
        """Have a job that was started here end: what is under way is finished."""
        return jobs.stop(job)

    @routes.post("/jobs/{job}/plan", response_class=StreamingResponse, responses=AS_LINES)
    def plan(job: str) -> StreamingResponse:
        """What the job would do now, one step a line, and what they come to; nothing is changed.

        It looks at both places, so it takes as long as a look does; who hangs up ends it.
        """
        return StreamingResponse(jobs.plan(job), media_type="application/x-ndjson")
