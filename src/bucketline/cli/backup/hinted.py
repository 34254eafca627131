"""A pass over keys that were named, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bucketline.engines.backup import BackupPolicy
from bucketline.engines.backup.named import Onward
from bucketline.flow.events import Since
from bucketline.model import Action, Copy, Fate, Outcome


@dataclass
class Hinted:
    """The keys, of the source; what is left of them is for another pass."""

    keys: tuple[str, ...]
    since: Since  # The brakes count on, also over what this pass does.
    is_quiet: bool = False
    unsettled: set[str] = field(default_factory=set)  # Of the target.

    def policy(self, policy: BackupPolicy) -> BackupPolicy:
        """The same for these keys."""
        brakes, since = policy.brakes, self.since
        brakes = replace(
            brakes,
            replaced=Onward.of(brakes.replaced, since.replaced, since.live),
            vanished=Onward.of(brakes.vanished, since.vanished, since.live),
            scrambled=Onward.of(brakes.scrambled, since.scrambled, since.live),
        )
        return replace(policy, named=self.keys, brakes=brakes)

    def hear(self, ends: Sequence[tuple[Action, Outcome]]) -> None:
        """How some of them ended."""
        for action, outcome in ends:
            if outcome.fate in (Fate.FAILED, Fate.WAITING):
                self.unsettled.add(action.key)
            elif isinstance(action, Copy) and outcome.fate is Fate.DONE:
                self.count(replaced=int(action.replaces is not None))

    def count(self, *, replaced: int = 0, vanished: int = 0, scrambled: int = 0) -> None:
        """So many more."""
        since = self.since
        self.since = replace(
            since,
            replaced=since.replaced + replaced,
            vanished=since.vanished + vanished,
            scrambled=since.scrambled + scrambled,
        )
