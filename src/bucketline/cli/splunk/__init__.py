"""`bucketline splunk`: archived buckets of Splunk back from S3."""
