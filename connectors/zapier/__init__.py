"""Zapier: the hub's events start Zaps at once, and Zaps report to the hub."""
