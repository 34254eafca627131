"""The only S3 client: `S3Store` and its `Pool` of endpoints, and nothing else, are for others."""

from bucketline.stores.s3.pool import Pool
from bucketline.stores.s3.store import S3Store

__all__ = ["Pool", "S3Store"]
