"""The only S3 client."""
