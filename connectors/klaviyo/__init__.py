"""Klaviyo: events of people, and their profiles."""
