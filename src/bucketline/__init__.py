"""Bucketline moves S3 data and proves that it arrived."""

__version__ = "0.1.0"
