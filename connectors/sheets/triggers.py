"""Google Sheets sends no webhooks: this connector only writes."""

from __future__ import annotations

from connectors.kit.webhook import Webhook

WEBHOOK: Webhook | None = None
