"""Edge devices: unlocked, trusted, and made known to the tools that use them."""
