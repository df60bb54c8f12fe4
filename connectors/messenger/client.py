"""Messenger's Send API, a part of Meta's Graph API.

Follows https://developers.facebook.com/docs/messenger-platform/reference/send-api.
"""

from __future__ import annotations

from typing import Any

import httpx

from connectors.kit.errors import ConnectorBug, OutcomeUnknown
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import dig
from connectors.messenger.account import MessengerAccount
from connectors.messenger.refusals import explain

VERSION = "v25.0"
LONGEST_WITH_BUTTON = 640


class MessengerClient:
    """Speaks for one Page."""

    def __init__(self, account: MessengerAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.default_language = account.default_language
        self._place = f"/{VERSION}/{account.page_id}"
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Bearer {account.page_access_token.get_secret_value()}"},
            timeout=timeout,
            explain=explain,
        )

    async def text(self, to: str, text: str, *, is_answer: bool) -> str:
        """Writes to somebody who wrote within the last 24 hours; the message's id."""
        return await self._send(to, "RESPONSE" if is_answer else "UPDATE", {"text": text})

    async def button(self, to: str, text: str, *, label: str, url: str) -> str:
        """The same with a button below it that opens a page; the text has 640 characters at most
        (https://developers.facebook.com/docs/messenger-platform/send-messages/template/button).
        """
        payload = {
            "template_type": "button",
            "text": text[:LONGEST_WITH_BUTTON],
            "buttons": [{"type": "web_url", "url": url, "title": label}],
        }
        attachment = {"type": "template", "payload": payload}
        return await self._send(to, "RESPONSE", {"attachment": attachment})

    async def template(
        self, to: str, name: str, *, language: str, parameters: tuple[str, ...]
    ) -> str:
        """Sends an approved utility template at any time; `parameters` fill its body in order."""
        template: dict[str, Any] = {"name": name, "language": {"code": language}}
        if parameters:
            filled = [{"type": "text", "text": text} for text in parameters]
            template["components"] = [{"type": "body", "parameters": filled}]
        return await self._send(to, "UTILITY", {"template": template})

    async def check(self) -> str:
        """The Page's name."""
        reply = (await self._http.send("GET", self._place, params={"fields": "name"})).json()
        name = dig(reply, "name")
        if not isinstance(name, str):
            raise ConnectorBug("Messenger's answer names no Page")
        return f"The Page {name[:100]!r} answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _send(self, to: str, why: str, message: dict[str, Any]) -> str:
        body = {"recipient": {"id": to}, "messaging_type": why, "message": message}
        reply = (await self._http.send("POST", f"{self._place}/messages", json=body)).json()
        sent = dig(reply, "message_id")
        if not isinstance(sent, str):
            raise OutcomeUnknown("Messenger accepted the message and named no id of it")
        return sent
