"""The storage ring: what it holds, held against what the metadata of S3 refers to."""
