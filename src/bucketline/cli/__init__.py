"""The command line: words in, an engine's work, an exit code out."""

from __future__ import annotations

from bucketline.cli.app import main

__all__ = ["main"]
