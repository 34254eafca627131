"""Archived buckets of Splunk back from S3: found, rebuilt, proven."""
