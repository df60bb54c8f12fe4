"""Intercom: contacts and their tags, events, in-app messages, conversations."""
