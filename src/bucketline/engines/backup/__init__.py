"""A bucket that holds what another one held: copies, what vanished, and a catalogue of it all."""

from bucketline.engines.backup.backup import Backup, BackupPolicy
from bucketline.engines.backup.catalogue import HISTORY, RESERVED, Catalogue
from bucketline.engines.backup.drill import Drill
from bucketline.engines.backup.history import History, HistoryPolicy
from bucketline.engines.backup.purge import Purge, Purging, Stage
from bucketline.engines.backup.restore import Conflicts, Restore, RestorePolicy

__all__ = [
    "HISTORY",
    "RESERVED",
    "Backup",
    "BackupPolicy",
    "Catalogue",
    "Conflicts",
    "Drill",
    "History",
    "HistoryPolicy",
    "Purge",
    "Purging",
    "Restore",
    "RestorePolicy",
    "Stage",
]
