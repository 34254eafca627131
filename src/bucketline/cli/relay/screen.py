"""What a person at a terminal sees while a relay runs: a bar for each hop, and the volumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from bucketline.cli.invocation import Invocation
from bucketline.cli.progress import one_screen
from bucketline.cli.relay.hop import Hop
from bucketline.clock import Clock
from bucketline.sizes import show_seconds, show_size
from bucketline.stores.spool import Spool
from bucketline.stores.spool.volume import VolumeState


@contextmanager
def shared_screen(
    invocation: Invocation, hops: list[Hop], spool: Spool, clock: Clock
) -> Iterator[None]:
    """The runs of these hops are shown together, where there is a terminal."""
    names = [hop.name for hop in hops]
    with one_screen(invocation.progress, names, lambda: between(spool, clock)) as screen:
        for hop in hops:
            hop.around.screen = screen
        try:
            yield
        finally:
            for hop in hops:
                hop.around.screen = None


def between(spool: Spool, clock: Clock) -> list[str]:
    """What is staged, and on which volumes."""
    index = spool.index
    staged = f"staged   {len(index):,} objects, {show_size(index.size)}"
    oldest = index.oldest
    if oldest is not None:
        since = int(oldest.generation, 16) / 1e6  # It is named after its moment.
        told = datetime.fromtimestamp(since, UTC)
        waits = show_seconds(max(0.0, clock.now() - since))
        staged += f", the oldest since {told:%H:%M:%S} UTC ({waits})"
    return [staged, *(_volume(one.state) for one in spool.shelves.all)]


def _volume(one: VolumeState) -> str:
    if not one.is_usable:
        return f"volume   {one.folder}: away: {one.reason}"
    full = 100 * (one.size - one.free) / one.size if one.size else 0
    speed = f", writes {show_size(one.write_speed)}/s" if one.write_speed else ""
    held = f"{show_size(one.staged)} staged, {show_size(one.promised)} on their way"
    return f"volume   {one.folder}: {full:.0f} % of {show_size(one.size)} full; {held}{speed}"
