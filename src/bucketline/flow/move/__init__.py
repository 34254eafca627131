"""One object across, proven."""
