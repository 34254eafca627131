"""Looking at a place: its entries, in key order, chosen."""
