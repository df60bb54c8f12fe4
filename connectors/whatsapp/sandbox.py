"""A stand-in for one WhatsApp number: the window, templates, pair limits, signed webhooks."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import PushMessage
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.whatsapp.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "phone_number_id": "106540352242922",
    "access_token": "sandbox-whatsapp-access-token",
    "app_secret": "sandbox-whatsapp-app-secret",
    "verify_token": "sandbox-whatsapp-verify-token",
}
MILA = "15005550123"
EARLIER = "wamid.HBgLAROMA0000000001"


class WhatsappSandbox(SendingSandbox):
    """Accepts the sandbox account's token. Mila wrote a moment ago, nobody else did.

    Args:
        calls: What it takes in a second.
        pair: What one person takes in six seconds.

    Attributes:
        talking: Who wrote within the last 24 hours.
        templates: Approved ones, by name and language, with the number of their parameters.
        nobody: Numbers that are not at WhatsApp.
    """

    slug = "whatsapp"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "send_message": (
            PushMessage(to=f"+{MILA}", text="You have 120 points."),
            PushMessage(to=f"+{MILA}", kind="reply", text="120 points.", reply_token=EARLIER),
            PushMessage(
                to=f"+{MILA}", kind="template", template="points_earned", parameters=("120",)
            ),
        )
    }

    def __init__(self, *, calls: int = 80, pair: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._pair = pair
        self._pairs: dict[str, Window] = {}
        self._numbers = count(1)
        self.talking = {MILA}
        self.templates = {("points_earned", "en"): 1, ("hello", "pt_BR"): 0}
        self.nobody: set[str] = set()

    def routes(self) -> Sequence[BaseRoute]:
        place = f"/v23.0/{SANDBOX_ACCOUNT['phone_number_id']}"
        return [
            Route(place, self._number, methods=["GET"]),
            Route(f"{place}/messages", self._messages, methods=["POST"]),
        ]

    async def _number(self, request: Request) -> Response:
        found = {
            "id": SANDBOX_ACCOUNT["phone_number_id"],
            "display_phone_number": "+1 555-078-3881",
            "verified_name": "Aroma House",
            "quality_rating": "GREEN",
        }
        return self._refused(request) or JSONResponse(found)

    async def _messages(self, request: Request) -> Response:
        given = await request.json()
        if refused := self._refused(request) or self._wrong(given):
            return refused
        to, kind = given["to"], given["type"]
        sent = f"wamid.SANDBOX{next(self._numbers):08d}"
        context = given.get("context", {}).get("message_id", "")
        self.record("message", id=sent, to=to, type=kind, content=given[kind], context=context)
        body = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": to, "wa_id": to}],
            "messages": [{"id": sent, "message_status": "accepted"}],
        }
        return JSONResponse(body)

    def _wrong(self, given: dict[str, Any]) -> Response | None:
        to, kind = str(given.get("to", "")), given.get("type")
        if given.get("messaging_product") != "whatsapp" or kind not in ("text", "template"):
            return _no(400, 100, "Invalid parameter")
        if self._pairs.setdefault(to, Window(self._pair, 6.0)).take():
            return _no(400, 131056, "(Business Account, Consumer Account) pair rate limit hit")
        if to in self.nobody:
            return _no(400, 131026, "Message undeliverable")
        if kind == "template":
            return self._wrong_template(given["template"])
        if to not in self.talking:
            return _no(400, 131047, "Re-engagement message")
        return None if given["text"]["body"] else _no(400, 100, "Invalid parameter")

    def _wrong_template(self, template: dict[str, Any]) -> Response | None:
        wanted = self.templates.get((template["name"], template["language"]["code"]))
        if wanted is None:
            return _no(404, 132001, "Template name does not exist in the translation")
        given = sum(len(one["parameters"]) for one in template.get("components", ()))
        return None if given == wanted else _no(400, 132000, "Number of parameters does not match")

    def _refused(self, request: Request) -> Response | None:
        expected = f"Bearer {SANDBOX_ACCOUNT['access_token']}"
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return _no(401, 190, "Invalid OAuth access token")
        return _no(429, 130429, "Rate limit hit") if self._window.take() else None

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        """One message, report or preference is wrapped as WhatsApp wraps it."""
        if "entry" in payload:
            return payload
        number = SANDBOX_ACCOUNT["phone_number_id"]
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
            topic: [payload],
        }
        field = "user_preferences" if topic == "user_preferences" else "messages"
        entry = {"id": "102290129340398", "changes": [{"value": value, "field": field}]}
        return {"object": "whatsapp_business_account", "entry": [entry]}


def _no(status: int, code: int, message: str) -> Response:
    error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    details = {"messaging_product": "whatsapp", "details": message}
    body = {"error": {**error, "error_data": details, "fbtrace_id": "AbSandbox01"}}
    return JSONResponse(body, status_code=status)
