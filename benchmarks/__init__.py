"""Figures of the hub on this machine. Never tests: a figure has no right and wrong."""
