"""Disks as volumes: real ones in files, and recorded ones."""
