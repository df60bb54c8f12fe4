"""A stand-in for Slack's Web API and incoming webhooks: every method answers as documented."""

from __future__ import annotations

import hmac
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import PushMessage
from connectors.kit.sandbox import VendorSandbox
from connectors.kit.window import Window
from connectors.slack.messages import (
    Button,
    ButtonsPost,
    MessageUpdate,
    ThreadReply,
    WebhookPost,
)

SANDBOX_ACCOUNT: dict[str, Any] = {
    "bot_token": "xoxb-sandbox-slack-token",
    "default_channel": "#loyalty",
    "signing_secret": "sandbox-slack-signing-secret",
}
CHANNEL, FIRST_MESSAGE = "C0SANDBOX", "1795262400.000001"
WEBHOOK_PATH = "/services/T0SANDBOX/B0SANDBOX/sandbox-slack-webhook"

ARCHIVED, UNKNOWN = "#archived", "#unknown"
MAX_TEXT = 40_000


class SlackSandbox(VendorSandbox):
    """Takes messages for one workspace.

    Args:
        posts_per_second: By channel; what is above is `ratelimited`; 0 for no limit.
        scopes: Of the bot token.
    """

    slug = "slack"
    examples: ClassVar = {
        "post_buttons": (
            ButtonsPost(
                text="Mila waited long for her order.",
                buttons=(Button(label="Goodwill", action="goodwill", card="4711", ref="o-1001"),),
            ),
        ),
        "reply_in_thread": (ThreadReply(text="Done.", thread=FIRST_MESSAGE),),
        "update_message": (
            MessageUpdate(text="Done by Ann.", message=FIRST_MESSAGE, channel=CHANNEL),
        ),
        "send_message": (
            PushMessage(to="U0SANDBOX1", text="Thanks!", place=f"{CHANNEL}:{FIRST_MESSAGE}"),
        ),
        "post_to_webhook": (WebhookPost(text="Mila reached Gold."),),
    }

    def __init__(
        self, *, posts_per_second: int = 0, scopes: tuple[str, ...] = ("chat:write",)
    ) -> None:
        super().__init__()
        self._scopes = scopes
        self._windows = defaultdict[str, Window](partial(Window, posts_per_second, 1.0))
        self._count = itertools.count(1)
        self.messages = {FIRST_MESSAGE: "Mila waited long for her order."}

    def account_at(self, base_url: str) -> dict[str, Any]:
        """An account with a bot and an incoming webhook."""
        return {
            **SANDBOX_ACCOUNT,
            "base_url": base_url,
            "webhook_url": base_url.rstrip("/") + WEBHOOK_PATH,
        }

    def routes(self) -> Sequence[BaseRoute]:
        """Three methods of the Web API, and the address of one incoming webhook."""
        return [
            Route("/auth.test", self._auth_test, methods=["GET", "POST"]),
            Route("/chat.postMessage", self._post_message, methods=["POST"]),
            Route("/chat.update", self._update, methods=["POST"]),
            Route("/services/{team}/{hook}/{secret}", self._incoming, methods=["POST"]),
        ]

    async def _auth_test(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        return JSONResponse(
            {"ok": True, "url": "https://sandbox.slack.com/", "team": "Sandbox", "user": "hub",
             "team_id": "T0SANDBOX", "user_id": "U0SANDBOX", "bot_id": "B0SANDBOX"}
        )  # fmt: skip

    async def _post_message(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        if "chat:write" not in self._scopes:
            provided = ",".join(self._scopes)
            return _no("missing_scope", needed="chat:write", provided=provided)
        fields = _fields(request, await request.body())
        channel, text = str(fields.get("channel") or ""), str(fields.get("text") or "")
        if wrong := _wrong(channel, text):
            return _no(wrong)
        if wait := self._windows[channel].take():
            answer = _no("ratelimited", status=429)
            answer.headers["Retry-After"] = str(int(wait) + 1)
            return answer
        thread, blocks = fields.get("thread_ts", ""), json.loads(fields.get("blocks") or "[]")
        if thread and thread not in self.messages:
            return _no("message_not_found")
        entry = self._keep(channel, text, thread=thread, blocks=blocks)
        message = {"type": "message", "bot_id": "B0SANDBOX", "text": text, "ts": entry["id"]}
        return JSONResponse({"ok": True, "channel": CHANNEL, "ts": entry["id"], "message": message})

    async def _update(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        fields = _fields(request, await request.body())
        stamp, text = str(fields.get("ts") or ""), str(fields.get("text") or "")
        if fields.get("channel") != CHANNEL:
            return _no("channel_not_found")
        if stamp not in self.messages:
            return _no("message_not_found")
        self.messages[stamp] = text
        self.record("update", id=stamp, channel=CHANNEL, text=text)
        return JSONResponse(
            {"ok": True, "channel": CHANNEL, "ts": stamp, "text": text, "message": {"text": text}}
        )

    async def _incoming(self, request: Request) -> Response:
        if not hmac.compare_digest(
            request.url.path.removeprefix(request.scope.get("root_path", "")).encode(),
            WEBHOOK_PATH.encode(),
        ):
            return PlainTextResponse("no_service", status_code=404)
        try:
            told = json.loads(await request.body())
            text, blocks = told.get("text"), told.get("blocks", [])
        except (ValueError, AttributeError):
            return PlainTextResponse("invalid_payload", status_code=400)
        if not text:
            return PlainTextResponse("no_text", status_code=400)
        self._keep("", str(text), thread=told.get("thread_ts", ""), blocks=blocks)
        return PlainTextResponse("ok")

    def _keep(self, channel: str, text: str, **more: Any) -> dict[str, Any]:
        stamp = f"{int(time.time())}.{next(self._count):06d}"
        self.messages[stamp] = text
        told = {name: value for name, value in more.items() if value}
        return self.record("chat", id=stamp, channel=channel, text=text, **told)


def _refused(request: Request) -> Response | None:
    given = request.headers.get("authorization", "")
    if not given:
        return _no("not_authed")
    expected = f"Bearer {SANDBOX_ACCOUNT['bot_token']}"
    return None if hmac.compare_digest(given.encode(), expected.encode()) else _no("invalid_auth")


def _fields(request: Request, body: bytes) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        found = json.loads(body or b"{}")
        return found if isinstance(found, dict) else {}
    return dict(parse_qsl(body.decode()))


def _wrong(channel: str, text: str) -> str:
    if not channel or channel == UNKNOWN:
        return "channel_not_found"
    if channel == ARCHIVED:
        return "is_archived"
    if not text:
        return "no_text"
    return "msg_too_long" if len(text) > MAX_TEXT else ""


def _no(error: str, *, status: int = 200, **more: str) -> Response:
    return JSONResponse({"ok": False, "error": error, **more}, status_code=status)
