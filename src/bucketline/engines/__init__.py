"""Products: each a plan and a perform; none imports another."""
