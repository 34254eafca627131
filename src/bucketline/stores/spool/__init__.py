"""The spool of a relay: objects staged on the volumes of an edge box, under opaque names."""

from bucketline.stores.spool.index import Staged
from bucketline.stores.spool.loading import clear, load
from bucketline.stores.spool.remembered import remember_volumes, volumes_known, volumes_used
from bucketline.stores.spool.room import Marks
from bucketline.stores.spool.sidecar import Origin
from bucketline.stores.spool.store import Spool
from bucketline.stores.spool.volume import Volume, VolumeState, open_volume

__all__ = [
    "Marks",
    "Origin",
    "Spool",
    "Staged",
    "Volume",
    "VolumeState",
    "clear",
    "load",
    "open_volume",
    "remember_volumes",
    "volumes_known",
    "volumes_used",
]
