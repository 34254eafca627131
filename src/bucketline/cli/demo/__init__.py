"""`bucketline demo`: the main job on this machine, with a kill and a damaged object in it."""
