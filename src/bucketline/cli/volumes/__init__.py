"""`bucketline volumes`: disks for the relay."""
