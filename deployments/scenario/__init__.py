"""Scenario files: stories with expectations, played through the real engine (docs/scenarios.md)."""
