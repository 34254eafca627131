"""A bucket that holds what another one held: copies, what vanished, and a catalogue of it all."""

from bucketline.engines.backup.backup import Backup, BackupPolicy
from bucketline.engines.backup.catalogue import RESERVED, Catalogue
from bucketline.engines.backup.restore import Conflicts, Restore, RestorePolicy

__all__ = [
    "RESERVED",
    "Backup",
    "BackupPolicy",
    "Catalogue",
    "Conflicts",
    "Restore",
    "RestorePolicy",
]
