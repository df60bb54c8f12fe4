"""A stand-in for one Page in Messenger: the window, utility templates, signed webhooks."""

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
from connectors.messenger.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "page_id": "104522222222222",
    "page_access_token": "sandbox-messenger-page-access-token",
    "app_secret": "sandbox-messenger-app-secret",
    "verify_token": "sandbox-messenger-verify-token",
}
MILA, QUIET = "7001700170017001", "7002700270027002"
WHEN = 1793616300000


class MessengerSandbox(SendingSandbox):
    """Accepts the sandbox account's token. Two people know the Page; Mila wrote a moment ago.

    Args:
        calls: What it takes in a second.

    Attributes:
        known: Who ever wrote to the Page.
        talking: Who did within the last 24 hours.
        templates: Approved ones, by name and language, with the number of their parameters.
    """

    slug = "messenger"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "send_message": (
            PushMessage(to=MILA, text="You have 120 points."),
            PushMessage(to=MILA, kind="reply", text="120 points."),
            PushMessage(to=QUIET, kind="template", template="points_earned", parameters=("120",)),
        )
    }

    def __init__(self, *, calls: int = 300) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(1)
        self.known = {MILA, QUIET}
        self.talking = {MILA}
        self.templates = {("points_earned", "en"): 1, ("hello", "pt_BR"): 0}

    def routes(self) -> Sequence[BaseRoute]:
        place = f"/v25.0/{SANDBOX_ACCOUNT['page_id']}"
        return [
            Route(place, self._page, methods=["GET"]),
            Route(f"{place}/messages", self._messages, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        found = {"id": SANDBOX_ACCOUNT["page_id"], "name": "Aroma House"}
        return self._refused(request) or JSONResponse(found)

    async def _messages(self, request: Request) -> Response:
        given = await request.json()
        if refused := self._refused(request) or self._wrong(given):
            return refused
        to, sent = given["recipient"]["id"], f"m_SANDBOX{next(self._numbers):08d}"
        why = given["messaging_type"]
        self.record("message", id=sent, to=to, why=why, content=given["message"])
        return JSONResponse({"recipient_id": to, "message_id": sent})

    def _wrong(self, given: dict[str, Any]) -> Response | None:
        to, why = given.get("recipient", {}).get("id"), given.get("messaging_type")
        message = given.get("message", {})
        if to not in self.known:
            return _no(100, "No matching user found", 2018001)
        if why == "UTILITY" and "template" in message:
            return self._wrong_template(message["template"])
        if why not in ("RESPONSE", "UPDATE") or not 0 < len(_text(message)) <= 2000:
            return _no(100, "Invalid parameter")
        window = "(#10) This message is sent outside of allowed window."
        return None if to in self.talking else _no(10, window, 2018278)

    def _wrong_template(self, template: dict[str, Any]) -> Response | None:
        wanted = self.templates.get((template["name"], template["language"]["code"]))
        given = sum(len(one["parameters"]) for one in template.get("components", ()))
        return None if given == wanted else _no(100, "Invalid parameter: template")

    def _refused(self, request: Request) -> Response | None:
        expected = f"Bearer {SANDBOX_ACCOUNT['page_access_token']}"
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return _no(190, "Invalid OAuth access token.")
        if self._window.take():
            return _no(613, "Calls to this API have exceeded the rate limit.")
        return None

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        """One thing that happened is wrapped as Messenger wraps it."""
        if "entry" in payload:
            return payload
        page = SANDBOX_ACCOUNT["page_id"]
        about = {"sender": {"id": MILA}, "recipient": {"id": page}, "timestamp": WHEN}
        return {
            "object": "page",
            "entry": [{"id": page, "time": WHEN, "messaging": [{**about, **payload}]}],
        }


def _text(message: dict[str, Any]) -> str:
    """The text of a message, with or without a button."""
    payload = message.get("attachment", {}).get("payload", {})
    if payload.get("template_type") != "button":
        return str(message.get("text", ""))
    buttons = payload.get("buttons", [])
    is_good = 1 <= len(buttons) <= 3 and all(len(one.get("title", "")) <= 20 for one in buttons)
    return str(payload.get("text", "")) if is_good and len(payload["text"]) <= 640 else ""


def _no(code: int, message: str, subcode: int = 0) -> Response:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbSandbox"}
    found = {**error, "error_subcode": subcode} if subcode else error
    return JSONResponse({"error": found}, status_code=400)
