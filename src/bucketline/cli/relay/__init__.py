"""`bucketline relay`: source -> volumes -> target, through power cuts."""
