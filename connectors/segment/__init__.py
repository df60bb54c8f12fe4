"""Segment: what the hub tells of members, and what other sources tell of them."""
