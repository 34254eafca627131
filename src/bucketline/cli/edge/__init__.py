"""`bucketline edge`: devices that carry data, from locked to in use."""
