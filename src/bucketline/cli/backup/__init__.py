"""Backups: `backup`, `restore` and what looks after them."""
