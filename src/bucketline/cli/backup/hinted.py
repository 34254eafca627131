"""A pass over keys that were named, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bucketline.engines.backup import BackupPolicy
from bucketline.engines.backup.named import Onward
from bucketline.model import Action, Copy, Fate, Outcome


@dataclass
class Hinted:
    """The keys, of the source; what is left of them is for another pass."""

    keys: tuple[str, ...]
    replaced: int = 0  # By hints, since the last listing: the brakes count on.
    vanished: int = 0  # The same, of a backup of versions.
    is_quiet: bool = False
    unsettled: set[str] = field(default_factory=set)  # Of the target.

    def policy(self, policy: BackupPolicy) -> BackupPolicy:
        """The same for these keys."""
        brakes = replace(
            policy.brakes,
            replaced=Onward.of(policy.brakes.replaced, self.replaced),
            vanished=Onward.of(policy.brakes.vanished, self.vanished),
        )
        return replace(policy, named=self.keys, brakes=brakes)

    def hear(self, ends: Sequence[tuple[Action, Outcome]]) -> None:
        """How some of them ended."""
        for action, outcome in ends:
            if outcome.fate in (Fate.FAILED, Fate.WAITING):
                self.unsettled.add(action.key)
            elif isinstance(action, Copy) and outcome.fate is Fate.DONE:
                self.replaced += action.replaces is not None
