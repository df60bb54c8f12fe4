"""Zapier sends no webhooks: what Zaps report comes in by `/zapier/actions` of the gateway."""

from __future__ import annotations

WEBHOOK = None
