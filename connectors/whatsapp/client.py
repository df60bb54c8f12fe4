"""WhatsApp's Cloud API, a part of Meta's Graph API.

Follows https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/.
"""

from __future__ import annotations

from typing import Any

import httpx

from connectors.kit.errors import ConnectorBug, OutcomeUnknown
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import dig
from connectors.whatsapp.account import WhatsappAccount
from connectors.whatsapp.refusals import explain

VERSION = "v23.0"


class WhatsappClient:
    """Speaks for one business number."""

    def __init__(self, account: WhatsappAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.default_language = account.default_language
        self._place = f"/{VERSION}/{account.phone_number_id}"
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Bearer {account.access_token.get_secret_value()}"},
            timeout=timeout,
            explain=explain,
        )

    async def text(self, to: str, body: str, *, answers: str = "") -> str:
        """Writes freely to somebody who wrote within the last 24 hours; the message's id.

        Args:
            to: The person's number, digits only.
            answers: Id of the message that is answered and quoted above the text.
        """
        content: dict[str, Any] = {"type": "text", "text": {"body": body, "preview_url": False}}
        if answers:
            content["context"] = {"message_id": answers}
        return await self._send(to, content)

    async def template(
        self, to: str, name: str, *, language: str, parameters: tuple[str, ...]
    ) -> str:
        """Sends an approved template at any time; `parameters` fill its body in order."""
        template: dict[str, Any] = {
            "name": name,
            "language": {"policy": "deterministic", "code": language},
        }
        if parameters:
            filled = [{"type": "text", "text": text} for text in parameters]
            template["components"] = [{"type": "body", "parameters": filled}]
        return await self._send(to, {"type": "template", "template": template})

    async def check(self) -> str:
        """The number and the name it shows."""
        found = (await self._http.send("GET", self._place)).json()
        number = dig(found, "display_phone_number")
        if not isinstance(number, str):
            raise ConnectorBug("WhatsApp's answer names no number")
        name = str(dig(found, "verified_name") or "")[:100]
        return f"The number {number[:40]} ({name!r}) answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _send(self, to: str, content: dict[str, Any]) -> str:
        head = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to}
        reply = await self._http.send("POST", f"{self._place}/messages", json={**head, **content})
        sent = dig(reply.json(), "messages")
        first = sent[0] if isinstance(sent, list) and sent else None
        found = first.get("id") if isinstance(first, dict) else None
        if not isinstance(found, str):
            raise OutcomeUnknown("WhatsApp accepted the message and named no id of it")
        return found
