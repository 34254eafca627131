"""What ledgers tell."""
