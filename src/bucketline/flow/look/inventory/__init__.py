"""An S3 Inventory read as if it were a listing."""

from __future__ import annotations

from bucketline.flow.look.inventory.listing import Inventory, told_by
from bucketline.flow.look.inventory.place import Place, made

__all__ = ["Inventory", "Place", "made", "told_by"]
