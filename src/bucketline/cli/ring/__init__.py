"""The command group `ring`: what a storage ring holds against what S3 refers to."""
