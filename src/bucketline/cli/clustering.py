"""`--engine spark` of a sync: executors perform its small copies."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence

from bucketline.cli.executor import Job, Reply, perform, sealed
from bucketline.cli.hands import Errand, packed, unpacked
from bucketline.cli.passing import Around
from bucketline.engines.transfer import Transfer
from bucketline.errors import UsageError
from bucketline.flow.cluster import AHEAD, STEPS_MAX, Cluster, Ends, Work
from bucketline.flow.query.session import is_alone
from bucketline.flow.run.pace import Pace, Steady
from bucketline.flow.run.terms import Crew
from bucketline.model import Action, Copy


class Lent(Transfer):
    """A transfer whose small copies weigh nothing here: executors hold their bodies."""

    def weight(self, action: Action) -> int:
        if isinstance(action, Copy) and action.source.size <= self._policy.move.part_size:
            return 0
        return super().weight(action)


def check_sides(errand: Errand, master: str) -> None:
    """Raise `UsageError` for a folder, which each machine would have one of its own of."""
    for side in (errand.source, errand.target):
        if side.remote is None and not is_alone(master):
            raise UsageError(
                f"{side.text}: a folder is on one machine, and executors are on many; with"
                " --engine spark both sides are buckets (or --master is local[N])"
            )


def pace_of_cluster(slots: int, workers: int | None) -> Pace:
    """As many objects as keep each core at work while its next partition is on the way."""
    return Steady(workers or slots * AHEAD * STEPS_MAX)


def cluster_of(master: str, errand: Errand, around: Around, slots: int) -> Callable[[Crew], Crew]:
    """Who performs the steps of a run."""
    secretless = sealed(errand, around.invocation.config_file, slots)
    requests: dict[str, Counter[str]] = {}

    def pack(steps: Sequence[Action]) -> bytes:
        return packed(Job(secretless, list(steps)))

    def unpack(body: bytes) -> Ends:
        reply: Reply = unpacked(io.BufferedReader(io.BytesIO(body)))
        if reply.error is not None:
            raise reply.error
        assert reply.told is not None
        before = requests.get(reply.worker, Counter())
        if (more := reply.told.requests - before).total():
            around.drive.count(more)
            requests[reply.worker] = reply.told.requests
            around.endpoints.others[reply.worker] = reply.told.endpoints
        ends = sorted(reply.told.ends, key=lambda end: end[0])
        return [(outcome, error) for _, outcome, error in ends]

    def crew(own: Crew) -> Crew:
        work = Work(pack, perform, unpack)
        small = errand.policy.move.part_size
        return Cluster(own, master, work, around.drive.wake, small=small)

    return crew
