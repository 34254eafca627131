"""Plans as files: `bucketline plan`."""
