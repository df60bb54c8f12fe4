"""Nothing comes in over SMTP: this connector only sends."""

from __future__ import annotations

from connectors.kit.webhook import Webhook

WEBHOOK: Webhook | None = None
