"""Two places compared: what differs, and what may be done about it."""
