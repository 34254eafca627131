"""Questions to large tables: plain SQL over datasets, whoever answers it."""
