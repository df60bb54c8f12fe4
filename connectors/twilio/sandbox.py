"""A stand-in for Twilio's Messages API, with its magic numbers.

Numbers: https://www.twilio.com/docs/iam/test-credentials. Texts to +15005550001 are refused
as invalid (21211) and to +15005550004 as unsubscribed (21610).
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox
from connectors.kit.window import Window

SANDBOX_ACCOUNT: dict[str, Any] = {
    "account_sid": "AC" + "0" * 31 + "1",
    "auth_token": "sandbox-twilio-token",
    "from_number": "+15005550006",
}

INVALID, UNSUBSCRIBED = "+15005550001", "+15005550004"
_E164 = re.compile(r"\+[1-9]\d{6,14}")


class TwilioSandbox(VendorSandbox):
    """Takes texts for one account.

    Args:
        calls_per_second: Refuses what is above with 20429; 0 for no limit.
    """

    slug = "twilio"

    def __init__(self, *, calls_per_second: int = 0) -> None:
        super().__init__()
        self._window = Window(calls_per_second, 1.0)

    def routes(self) -> Sequence[BaseRoute]:
        """Twilio's addresses of version 2010-04-01."""
        root = "/2010-04-01/Accounts/{sid}"
        return [
            Route(f"{root}.json", self._account, methods=["GET"]),
            Route(f"{root}/Messages.json", self._send, methods=["POST"]),
        ]

    async def _account(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        return JSONResponse(
            {
                "sid": SANDBOX_ACCOUNT["account_sid"],
                "friendly_name": "Sandbox",
                "status": "active",
                "type": "Trial",
            }
        )

    async def _send(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        form = {name: str(value) for name, value in (await request.form()).items()}
        to, body = form.get("To", ""), form.get("Body", "")
        if not _E164.fullmatch(to) or to == INVALID:
            return _error(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if to == UNSUBSCRIBED:
            return _error(400, 21610, "Attempt to send to unsubscribed recipient")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(400, 21603, "A 'From' phone number is required.")
        if not body:
            return _error(400, 21602, "Message body is required.")
        if len(body) > 1600:
            return _error(400, 21617, "The concatenated message body exceeds 1600 characters.")
        entry = self.record("sms", id="SM" + secrets.token_hex(16), to=to, body=body, **_rest(form))
        return JSONResponse(_resource(entry), status_code=201)

    def _refused(self, request: Request) -> Response | None:
        sid, token = SANDBOX_ACCOUNT["account_sid"], SANDBOX_ACCOUNT["auth_token"]
        expected = "Basic " + base64.b64encode(f"{sid}:{token}".encode()).decode()
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return _error(401, 20003, "Authenticate")
        if request.path_params["sid"] != sid:
            return _error(404, 20404, "The requested resource was not found")
        if self._window.take():
            return _error(429, 20429, "Too Many Requests")
        return None


def _rest(form: dict[str, str]) -> dict[str, str | None]:
    return {
        "sender": form.get("From"),
        "service": form.get("MessagingServiceSid"),
        "status_callback": form.get("StatusCallback"),
    }


def _error(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    content = {"code": code, "message": message, "more_info": more, "status": status}
    return JSONResponse(content, status_code=status)


def _resource(entry: dict[str, Any]) -> dict[str, Any]:
    """A Message resource as the documentation shows it right after it was made."""
    account, now = SANDBOX_ACCOUNT["account_sid"], format_datetime(datetime.now(UTC))
    uri = f"/2010-04-01/Accounts/{account}/Messages/{entry['id']}"
    empty = ("date_sent", "error_code", "error_message", "price", "price_unit")
    return {
        **dict.fromkeys(empty),
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": entry["body"],
        "date_created": now,
        "date_updated": now,
        "direction": "outbound-api",
        "from": entry["sender"],
        "messaging_service_sid": entry["service"],
        "num_media": "0",
        "num_segments": "1",
        "sid": entry["id"],
        "status": "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": entry["to"],
        "uri": f"{uri}.json",
    }
