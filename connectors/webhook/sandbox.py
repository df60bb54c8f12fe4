"""Endpoints that check signatures with the reference library and remember webhook-ids."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox

SANDBOX_ACCOUNT: dict[str, Any] = {
    "secret": "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1rZXkh",
    "allow_private_network": True,
}


class WebhookSandbox(VendorSandbox):
    """Any number of endpoints, `/{name}`, all with the same secret."""

    slug = "webhook"

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, str]] = set()

    def account(self, base_url: str, *, name: str = "inbox") -> dict[str, Any]:
        """The fields of an account that calls the endpoint of that name."""
        return {**SANDBOX_ACCOUNT, "url": f"{base_url.rstrip('/')}/{name}"}

    def account_at(self, base_url: str) -> dict[str, Any]:
        """An account that calls the endpoint named inbox."""
        return self.account(base_url)

    def routes(self) -> Sequence[BaseRoute]:
        """The endpoints."""
        return [Route("/{name}", self._receive, methods=["POST", "HEAD"])]

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        try:
            Webhook(SANDBOX_ACCOUNT["secret"]).verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            return JSONResponse({"error": f"bad signature: {error}"}, status_code=401)
        if request.method == "HEAD":
            return Response(status_code=204)
        try:
            call = json.loads(body)
            kind, data, stamp = call["type"], call["data"], call["timestamp"]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "type, timestamp and data are needed"}, status_code=400)
        name, identity = request.path_params["name"], request.headers["webhook-id"]
        if (name, identity) in self._seen:
            return JSONResponse({"received": True, "duplicate": True})
        self._seen.add((name, identity))
        self.record("webhook", id=identity, name=name, type=kind, timestamp=stamp, data=data)
        return JSONResponse({"received": True})
