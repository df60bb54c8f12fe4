"""A stand-in for a Shopify shop: it answers the shop query and sends signed webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.shopify.client import API_VERSION, GRAPHQL
from connectors.shopify.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "shop_domain": "aroma-house.myshopify.com",
    "access_token": "sandbox-shopify-token",
    "client_secret": "sandbox-shopify-client-secret",
}


class ShopifySandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Args:
        points: What the query bucket gives back each second; a query costs one point.
    """

    slug = "shopify"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self, *, points: int = 1000) -> None:
        super().__init__()
        self._points = points
        self._window = Window(points, 1.0)

    def routes(self) -> Sequence[BaseRoute]:
        return [Route(GRAPHQL, self._graphql, methods=["POST"])]

    async def _graphql(self, request: Request) -> Response:
        token = request.headers.get("X-Shopify-Access-Token", "")
        if token != SANDBOX_ACCOUNT["access_token"]:
            refusal = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return JSONResponse({"errors": refusal}, status_code=401)
        if self._window.take():
            return self._refusal("Throttled", "THROTTLED", available=0)
        asked = (await request.json()).get("query")
        if not isinstance(asked, str) or "shop" not in asked:
            return self._refusal("Query is not part of the sandbox", "undefinedField")
        return JSONResponse({"data": {"shop": {"name": "Aroma House"}}, "extensions": self._cost()})

    def _refusal(self, message: str, code: str, available: int | None = None) -> Response:
        error = {"message": message, "extensions": {"code": code}}
        return JSONResponse({"errors": [error], "extensions": self._cost(available)})

    def _cost(self, available: int | None = None) -> dict[str, Any]:
        status = {
            "maximumAvailable": float(self._points),
            "currentlyAvailable": self._points if available is None else available,
            "restoreRate": float(self._points),
        }
        return {"cost": {"requestedQueryCost": 1, "actualQueryCost": 1, "throttleStatus": status}}

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {
            "x-shopify-topic": topic,
            "x-shopify-webhook-id": delivery_id,
            "x-shopify-api-version": API_VERSION,
        }
