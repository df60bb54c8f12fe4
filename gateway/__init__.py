"""The ASGI front door: webhooks in, health and metrics out."""
