"""How a device stands: as much as it tells in the state that it is in."""

from __future__ import annotations

from dataclasses import dataclass

from bucketline.engines.edge.device import Device, Front, Software, State


@dataclass(frozen=True)
class Standing:
    """What was seen."""

    state: State
    about: str  # Its address, or why it is not there.
    fronts: tuple[Front, ...] = ()
    software: Software | None = None

    @property
    def is_there(self) -> bool:
        return self.state is not State.AWAY


def look(device: Device) -> Standing:
    """Ask for all of it."""
    state, about = device.state()
    if state is not State.UNLOCKED:
        return Standing(state, about)
    return Standing(state, about, tuple(device.fronts()), device.software())
