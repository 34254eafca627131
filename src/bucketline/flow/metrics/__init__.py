"""How a run stands, as numbers for those who watch many: CloudWatch, Prometheus."""
