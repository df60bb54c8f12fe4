"""A stand-in for a WooCommerce shop: it names its currency and sends signed webhooks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.woocommerce.client import CURRENCY
from connectors.woocommerce.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "consumer_key": "ck_sandbox-woocommerce-key",
    "consumer_secret": "cs_sandbox-woocommerce-secret",
    "webhook_secret": "sandbox-woocommerce-webhook-secret",
}


class WooCommerceSandbox(SendingSandbox):
    """Accepts the sandbox account's key."""

    slug = "woocommerce"
    webhook: ClassVar[Webhook] = WEBHOOK

    def routes(self) -> Sequence[BaseRoute]:
        return [Route(CURRENCY, self._currency, methods=["GET"])]

    async def _currency(self, request: Request) -> Response:
        pair = f"{SANDBOX_ACCOUNT['consumer_key']}:{SANDBOX_ACCOUNT['consumer_secret']}"
        expected = f"Basic {b64encode(pair.encode()).decode('ascii')}"
        if request.headers.get("Authorization") != expected:
            refusal = {
                "code": "woocommerce_rest_cannot_view",
                "message": "Sorry, you cannot list resources.",
                "data": {"status": 401},
            }
            return JSONResponse(refusal, status_code=401)
        return JSONResponse({"code": "EUR", "name": "Euro", "symbol": "&euro;"})

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        resource, _, event = topic.partition(".")
        return {
            "x-wc-webhook-source": f"{account.base_url}/",
            "x-wc-webhook-topic": topic,
            "x-wc-webhook-resource": resource,
            "x-wc-webhook-event": event,
            "x-wc-webhook-id": "1",
            "x-wc-webhook-delivery-id": delivery_id,
        }
