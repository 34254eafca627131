"""A folder as a store, behind one name: LocalStore."""

from __future__ import annotations

from bucketline.stores.local.attributes import HashMemory, ShortMemory
from bucketline.stores.local.store import LocalStore

__all__ = ["HashMemory", "LocalStore", "ShortMemory"]
