"""The loop: a plan carried out."""
