"""Verbs, in the order data flows."""
