"""An S3 Inventory read as if it were a listing."""

from __future__ import annotations

from bucketline.flow.look.inventory.listing import Inventory, told_by
from bucketline.flow.look.inventory.place import Place

__all__ = ["Inventory", "Place", "told_by"]
