"""Zendesk: tickets for the team, users and their fields, and what changes in either."""
