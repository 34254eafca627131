"""The names of the module s3-backup-restore, over our own engines.

A program written against it changes its import line, and nothing else:

    import bucketline.compat.s3backuprestore as s3br

What is copied is proven and in a ledger (`bucketline runs list`), a process that ends badly says so
by its exit code, and what cannot be done is tried a few times and not for ever.
"""

from bucketline.compat.s3backuprestore import (
    backup,
    compare,
    config,
    cw,
    objects,
    restore,
    tagging,
)
from bucketline.compat.s3backuprestore.backup import MpBackup
from bucketline.compat.s3backuprestore.compare import MpCompare
from bucketline.compat.s3backuprestore.config import Config
from bucketline.compat.s3backuprestore.cw import put_metric
from bucketline.compat.s3backuprestore.objects import delete_objects, get_objects
from bucketline.compat.s3backuprestore.restore import MpRestore
from bucketline.compat.s3backuprestore.tagging import MpCheckDeletedTag, MpTagDeletedObjects

__all__ = [
    "Config",
    "MpBackup",
    "MpCheckDeletedTag",
    "MpCompare",
    "MpRestore",
    "MpTagDeletedObjects",
    "backup",
    "compare",
    "config",
    "cw",
    "delete_objects",
    "get_objects",
    "objects",
    "put_metric",
    "restore",
    "tagging",
]
