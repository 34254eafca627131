"""The configuration file: what it says, and where its secrets are."""

from __future__ import annotations

from pathlib import Path

from bucketline.config.values import Config, Job, Limits, NamedRemote, Remotes, Ring, with_keys
from bucketline.settings import Environment

__all__ = ["Config", "Job", "Limits", "NamedRemote", "Remotes", "Ring", "load", "with_keys"]


def load(path: Path, environment: Environment) -> Config:
    """The file's words, or `ConfigError` with every error at once. No file, no words."""
    if not path.exists():
        return Config(Remotes({}, environment))
    # YAML and its validation take a quarter of a second to import: only who has a file pays.
    from bucketline.config.file import read

    return read(path, environment)
