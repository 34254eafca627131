"""The configuration, read for each question: what a person changes counts at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bucketline.config import Config, Job, Ring, load
from bucketline.settings import Environment


class Configured:
    """What one file says."""

    def __init__(self, path: Path, environment: Environment) -> None:
        self.path = path
        self._environment = environment

    def jobs(self) -> Mapping[str, Job]:
        return self._read().jobs

    def rings(self) -> Mapping[str, Ring]:
        return self._read().rings

    def _read(self) -> Config:
        """Without a file there is nothing."""
        return load(self.path, self._environment)
