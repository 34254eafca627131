"""The old transfer scripts' configuration files, and what becomes of them here."""
