"""A relay: source -> volumes -> target. Two copies with a spool between them, a run each.

Neither waits for the other but for room: who fetches goes on while the target is away, who forwards
while the source is. What the volumes hold is the truth between them.
"""

from bucketline.engines.relay.clearing import Clearing
from bucketline.engines.relay.dropping import Dropper
from bucketline.engines.relay.fetch import Fetch
from bucketline.engines.relay.forward import Forward

__all__ = ["Clearing", "Dropper", "Fetch", "Forward"]
