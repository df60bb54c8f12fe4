"""A stand-in for Zapier: hook addresses that remember, and the test of a key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

from pydantic import BaseModel
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox
from connectors.zapier.actions import HookDelivery

SANDBOX_ACCOUNT: dict[str, Any] = {
    "api_key": "sandbox-zapier-key-0123456789-abcdefghij",
    "signing_secret": "whsec_c2FuZGJveC16YXBpZXItc2lnbmluZy1rZXkh",
}
TARGET = "https://hooks.zapier.com/hooks/standard/7001/1a2b3c4d5e6f/"


def _example() -> HookDelivery:
    event = {
        "specversion": "1.0",
        "id": "1001",
        "source": "/shopify/main",
        "type": "order.paid",
        "time": "2026-11-21T12:00:00+00:00",
        "subject": "shopify/main:customer:7001",
        "data": {"id": "1001", "currency": "EUR", "total": "59.90", "lines": []},
    }
    return HookDelivery(hook_id="hook-1", target_url=TARGET, event=event)


class ZapierSandbox(VendorSandbox):
    """Any number of Zaps at `/hooks/standard/{user}/{zap}/`.

    Stricter than Zapier: the signature has to be right. `switch_off` makes a Zap answer 410.
    """

    slug = "zapier"
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {"deliver": (_example(),)}

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[tuple[str, str]] = set()
        self._off: set[str] = set()

    def account_at(self, base_url: str) -> dict[str, Any]:
        """An account whose Zaps, and whose hub, are here."""
        return {**SANDBOX_ACCOUNT, "base_url": base_url, "hub_url": base_url}

    def switch_off(self, zap: str) -> None:
        """The Zap's owner switched it off without unsubscribing."""
        self._off.add(zap)

    def routes(self) -> Sequence[BaseRoute]:
        """Zapier's hook addresses, and the hub's test of a key."""
        return [
            Route("/hooks/standard/{user}/{zap}/", self._receive, methods=["POST"]),
            Route("/zapier/me", self._me, methods=["GET"]),
        ]

    async def _me(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {SANDBOX_ACCOUNT['api_key']}":
            return JSONResponse({"error": "this key is not known"}, status_code=401)
        return JSONResponse({"connection": "zapier/sandbox", "label": "zapier/sandbox"})

    async def _receive(self, request: Request) -> Response:
        zap, body = request.path_params["zap"], await request.body()
        if zap in self._off:
            return JSONResponse({"status": "error"}, status_code=410)
        try:
            secret = SANDBOX_ACCOUNT["signing_secret"]
            Webhook(secret).verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            return JSONResponse({"error": f"bad signature: {error}"}, status_code=401)
        try:
            event = json.loads(body)
            identity, kind = str(event["id"]), event["type"]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": "an event with id and type is needed"}, status_code=400)
        if (zap, identity) not in self._seen:
            self._seen.add((zap, identity))
            self.record("zap", id=identity, zap=zap, type=kind, event=event)
        return JSONResponse({"status": "success", "id": str(uuid4()), "attempt": str(uuid4())})
