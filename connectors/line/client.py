"""LINE's Messaging API.

Follows https://developers.line.biz/en/reference/messaging-api/. A refusal is a `message` in
words; the same status 429 means too many calls in a second and no message left this month.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import dig, listed
from connectors.line.account import LineAccount

RETRY_KEY = "X-Line-Retry-Key"
USED_UP = ("monthly limit", "additional messages")

LONGEST_WITH_BUTTON = 160


class LineClient:
    """Speaks for one channel."""

    def __init__(self, account: LineAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        token = account.channel_access_token.get_secret_value()
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
            explain=_explain,
        )

    async def push(
        self, to: str, text: str, *, retry_key: str, button: tuple[str, str] | None = None
    ) -> str:
        """Writes to a person at any time; LINE's id of the message.

        Args:
            retry_key: A UUID. For 24 hours LINE sends what bears the same one only once.
            button: Label and address of a button below the text.
        """
        body = {"to": to, "messages": [_message(text, button)]}
        headers = {RETRY_KEY: retry_key}
        try:
            reply = await self._http.send(
                "POST", "/v2/bot/message/push", json=body, headers=headers
            )
        except _AlreadyAccepted as done:
            return done.message_id
        return _message_id(reply.json())

    async def reply(self, token: str, text: str) -> str:
        """Answers what a person did, once and within about a minute; the message's id.

        Raises:
            InvalidRequest: The token was used before, or is too old.
        """
        body = {"replyToken": token, "messages": [{"type": "text", "text": text}]}
        return _message_id(
            (await self._http.send("POST", "/v2/bot/message/reply", json=body)).json()
        )

    async def check(self) -> str:
        """The official account's name, and whether its webhook is on."""
        name = dig((await self._http.send("GET", "/v2/bot/info")).json(), "displayName")
        if not isinstance(name, str):
            raise ConnectorBug("LINE's answer names no official account")
        return f"The official account {name[:100]!r} answers; {await self._webhook_state()}."

    async def _webhook_state(self) -> str:
        try:
            found = (await self._http.send("GET", "/v2/bot/channel/webhook/endpoint")).json()
        except NotFound:
            return "it has no webhook address yet"
        return "its webhook is on" if dig(found, "active") is True else "its webhook is off"

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


class _AlreadyAccepted(Conflict):
    """A request with this retry key was accepted before, and this is the message it made."""

    def __init__(self, message_id: str, **known: Any) -> None:
        super().__init__("LINE has accepted this message before", **known)
        self.message_id = message_id


def _message(text: str, button: tuple[str, str] | None) -> dict[str, Any]:
    """https://developers.line.biz/en/reference/messaging-api/#template-messages: the text of a
    button template has 160 characters at most, and devices that draw none show `altText`."""
    if button is None:
        return {"type": "text", "text": text}
    label, url = button
    return {
        "type": "template",
        "altText": f"{text} {url}"[:1500],
        "template": {
            "type": "buttons",
            "text": text if len(text) <= LONGEST_WITH_BUTTON else text[:159] + "…",
            "actions": [{"type": "uri", "label": label, "uri": url}],
        },
    }


def _message_id(reply: Any) -> str:
    for sent in listed(reply, "sentMessages"):
        if isinstance(sent, dict) and isinstance(sent.get("id"), str):
            return str(sent["id"])
    raise ConnectorBug("LINE's answer names no message that was sent")


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    said = str(reply.get("message", ""))[:200] if isinstance(reply, dict) else ""
    known: dict[str, Any] = {"status": status, "request_id": headers.get("x-line-request-id")}
    if status == 409 and headers.get("x-line-accepted-request-id"):
        return _AlreadyAccepted(_accepted_id(reply, headers), **known)
    if status == 429 and any(words in said.lower() for words in USED_UP):
        return QuotaExceeded(
            f"the official account's messages of this month are used up: {said}", **known
        )
    if status == 400 and "reply token" in said.lower():
        return InvalidRequest(
            "the time to reply is over, or this was replied to before: send it as a push", **known
        )
    return None


def _accepted_id(reply: Any, headers: Mapping[str, str]) -> str:
    """Of the message that the first request made; an older answer names the request only."""
    try:
        return _message_id(reply)
    except ConnectorBug:
        return headers["x-line-accepted-request-id"]
