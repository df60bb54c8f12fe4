"""Custom webhooks: signed calls to your own endpoint, and signed events from your own shop."""
