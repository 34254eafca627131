"""Any two inventories compared: listings, S3 Inventories, ledgers, exports of a ring."""
