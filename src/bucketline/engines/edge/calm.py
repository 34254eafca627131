"""The loop of a device: look, plan, do one step; again until nothing is left, or no time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from bucketline.clock import Clock
from bucketline.errors import ServerFault

S = TypeVar("S")
_TRIES_MAX = 3


class Wait(NamedTuple):
    """Nothing can be done before the world has changed."""

    why: str


class Deed(NamedTuple):
    """A step, done twice as good as once."""

    name: str
    do: Callable[[], None]


@dataclass(frozen=True)
class Patience:
    """How long to wait, and who is told for what."""

    clock: Clock
    limit_seconds: float
    poll_seconds: float
    tell: Callable[[str], None]


@dataclass
class Settled:
    """What was done, and what was left to wait for: "" = nothing."""

    done: list[str] = field(default_factory=list)
    waits_for: str = ""


def settle(
    look: Callable[[], S], plan: Callable[[S], Deed | Wait | None], patience: Patience
) -> Settled:
    """Go on until calm. A step that changes nothing is tried again a few times only."""
    settled, clock = Settled(), patience.clock
    until = clock.monotonic() + patience.limit_seconds
    told, tries = "", 0
    while (step := plan(look())) is not None:
        if isinstance(step, Deed):
            tries = tries + 1 if settled.done[-1:] == [step.name] else 1
            if tries > _TRIES_MAX:
                raise ServerFault(f"{step.name}: done {_TRIES_MAX} times, without any effect")
            patience.tell(step.name)
            step.do()
            settled.done.append(step.name)
            continue
        if step.why != told:
            told = step.why
            patience.tell(f"waiting: {told}")
        if clock.monotonic() >= until:
            settled.waits_for = step.why
            break
        clock.sleep(patience.poll_seconds)
    return settled
