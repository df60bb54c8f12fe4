"""A stand-in for Square: it lists the seller's locations and sends signed webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.square.client import LOCATIONS
from connectors.square.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "access_token": "sandbox-square-token",
    "signature_key": "sandbox-square-signature-key",
}


class SquareSandbox(SendingSandbox):
    """Accepts the sandbox account's token."""

    slug = "square"
    webhook: ClassVar[Webhook] = WEBHOOK

    def routes(self) -> Sequence[BaseRoute]:
        return [Route(LOCATIONS, self._locations, methods=["GET"])]

    async def _locations(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {SANDBOX_ACCOUNT['access_token']}":
            refusal = {
                "category": "AUTHENTICATION_ERROR",
                "code": "UNAUTHORIZED",
                "detail": "This request could not be authorized.",
            }
            return JSONResponse({"errors": [refusal]}, status_code=401)
        shop = {"id": "LHAFENSTRASSE", "name": "Harbour Street", "status": "ACTIVE"}
        return JSONResponse({"locations": [{**shop, "currency": "EUR", "country": "IE"}]})

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {"square-environment": "Sandbox"}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        """Square names topic and delivery in the body."""
        return {**payload, "type": topic, "event_id": delivery_id}
