"""A stand-in for a LINE channel: pushes with retry keys, replies with tokens, signed webhooks."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, ClassVar
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.line.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "channel_access_token": "sandbox-line-channel-access-token",
    "channel_secret": "sandbox-line-channel-secret",
}
BOT = "U" + "b" * 32
RECEIVER = re.compile(r"[UCR][0-9a-f]{32}")


class LineSandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Args:
        calls: What it takes in a second.
        quota: How many messages are left this month.

    Attributes:
        is_terse: Of a push that was accepted before it names the request, not the message.
        reply_tokens: Which replies it takes, once each.
        endpoint: Its webhook, `{"endpoint": …, "active": …}`; None where there is none.
    """

    slug = "line"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self, *, calls: int = 2000, quota: int = 100_000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(461230966842064897)
        self._accepted: dict[str, tuple[str, str]] = {}
        self._left = quota
        self.is_terse = False
        self.reply_tokens: set[str] = set()
        self.endpoint: dict[str, Any] | None = {
            "endpoint": "https://hub.example/hooks/line/main",
            "active": True,
        }

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v2/bot/message/push", self._push, methods=["POST"]),
            Route("/v2/bot/message/reply", self._reply, methods=["POST"]),
            Route("/v2/bot/info", self._info, methods=["GET"]),
            Route("/v2/bot/channel/webhook/endpoint", self._endpoint, methods=["GET"]),
        ]

    async def _push(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        key = request.headers.get("X-Line-Retry-Key", "")
        if key and not _is_uuid(key):
            return _no(400, "The retry key is invalid")
        given = await request.json()
        if key in self._accepted:
            asked, sent = self._accepted[key]
            body: dict[str, Any] = {"message": "The retry key is already accepted"}
            body |= {} if self.is_terse else {"sentMessages": [{"id": sent}]}
            headers = {"x-line-accepted-request-id": asked}
            return JSONResponse(body, status_code=409, headers=headers)
        if not RECEIVER.fullmatch(str(given.get("to"))):
            return _no(
                400, "The property, 'to', in the request body is invalid (line: -, column: -)"
            )
        return self._send(given, key=key, to=given["to"])

    async def _reply(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        given = await request.json()
        if "X-Line-Retry-Key" in request.headers:
            return _no(400, "The retry key is not supported")
        if given.get("replyToken") not in self.reply_tokens:
            return _no(400, "Invalid reply token")
        self.reply_tokens.discard(given["replyToken"])
        return self._send(given, key="", to="")

    def _send(self, given: dict[str, Any], *, key: str, to: str) -> Response:
        found: list[dict[str, Any]] = list(given.get("messages") or ())
        texts = [str(one.get("text") or one.get("altText") or "") for one in found]
        if not 1 <= len(texts) <= 5 or not all(texts):
            return _no(400, "The request body has 1 error(s)")
        if any(len(text.encode("utf-16-le")) > 10_000 for text in texts):
            return _no(400, "The request body has 1 error(s)")
        if to and self._left < len(texts):
            return _no(429, "You have reached your monthly limit.")
        self._left -= len(texts) if to else 0
        sent, asked = str(next(self._numbers)), str(uuid4())
        if key:
            self._accepted[key] = (asked, sent)
        self.record("push" if to else "reply", id=sent, to=to, text=texts[0], content=found[0])
        body = {"sentMessages": [{"id": sent, "quoteToken": f"quote-{sent}"}]}
        return JSONResponse(body, headers={"x-line-request-id": asked})

    async def _info(self, request: Request) -> Response:
        bot = {"userId": BOT, "basicId": "@216sandbox", "displayName": "Aroma House"}
        found = {**bot, "chatMode": "bot", "markAsReadMode": "auto"}
        return self._refused(request) or JSONResponse(found)

    async def _endpoint(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        return JSONResponse(self.endpoint) if self.endpoint else _no(404, "Not found")

    def _refused(self, request: Request) -> Response | None:
        expected = f"Bearer {SANDBOX_ACCOUNT['channel_access_token']}"
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return _no(401, "Authentication failed. Confirm that the access token is valid.")
        return _no(429, "The API rate limit has been exceeded.") if self._window.take() else None

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        """One event is wrapped as LINE wraps it; a whole delivery is left as it is."""
        if "events" in payload:
            return payload
        context = {"deliveryContext": {"isRedelivery": False}, "mode": "active"}
        event = {"webhookEventId": delivery_id, **context, **payload, "type": topic}
        return {"destination": BOT, "events": [event]}


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _no(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status_code=status)
