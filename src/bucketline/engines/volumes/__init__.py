"""Disks for a relay: found, refused unless plainly empty, planned, prepared, emptied."""

from __future__ import annotations
