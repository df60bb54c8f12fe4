"""Slack: messages to the team."""
