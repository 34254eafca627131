"""Plans as files: written down once, read by people and programs, carried out exactly."""

from __future__ import annotations

from bucketline.flow.plans.lines import Head, Totals
from bucketline.flow.plans.reading import SavedPlan
from bucketline.flow.plans.writing import Writer, write_plan

__all__ = ["Head", "SavedPlan", "Totals", "Writer", "write_plan"]
