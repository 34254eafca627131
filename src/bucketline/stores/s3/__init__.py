"""The only S3 client: for others are `S3Store`, its `Pool` of endpoints, and their `Manners`."""

from bucketline.stores.s3.manners import Manners
from bucketline.stores.s3.pool import Pool
from bucketline.stores.s3.store import S3Store

__all__ = ["Manners", "Pool", "S3Store"]
