"""The only S3 client: `S3Store` and nothing else is for others."""

from bucketline.stores.s3.store import S3Store

__all__ = ["S3Store"]
