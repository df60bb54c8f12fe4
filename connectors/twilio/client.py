"""Speaks to Twilio through its own SDK: https://www.twilio.com/docs/messaging/api/message-resource.

The SDK builds the requests and reads the replies. Its HTTP client is replaced by one that
keeps a single session, goes to the account's base URL and turns refusals into the hub's
errors; the SDK's own client shares one "last response" between concurrent calls.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.http.async_http_client import AsyncTwilioHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from connectors.kit.action import Job, Sent
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    QuotaExceeded,
    RateLimited,
)
from connectors.kit.http import KEEPALIVE_SECONDS
from connectors.kit.http_errors import error_for_status, retry_after, transport_error
from connectors.kit.redact import secrets_of, without_people, without_secrets
from connectors.twilio.account import TwilioAccount

TIMEOUT_SECONDS = 10.0
CONCURRENCY = 16

AUTH_CODES = {20003, 20005}
BUSY_CODES = {20429, 21611}
"""Too many requests; the sender's queue is full (https://www.twilio.com/docs/api/errors/21611)."""
QUOTA_CODES = {63038}


class TwilioClient:
    """One Twilio account. Texts are sent at most once per call: nothing is retried here."""

    def __init__(self, account: TwilioAccount, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._account = account
        self._http = _HubHttpClient(account, timeout_seconds)
        key = account.api_key_secret if account.api_key_sid else account.auth_token
        self._rest = Client(
            account.api_key_sid or account.account_sid,
            key.get_secret_value() if key else "",
            account_sid=account.account_sid,
            http_client=self._http,
        )

    async def check(self) -> str:
        """Reads the account's own record and says its name and state."""
        found = await self._call(self._rest.api.accounts(self._account.account_sid).fetch_async())
        return f"Twilio account {found.friendly_name!r} answers; it is {found.status}."

    async def send_sms(self, job: Job) -> Sent:
        """Sends one text; Twilio has queued it when this returns."""
        account = self._account
        values: dict[str, str] = {"to": job.input.to, "body": job.input.body}
        if account.from_number:
            values["from_"] = account.from_number
        else:
            values["messaging_service_sid"] = account.messaging_service_sid
        if account.status_callback:
            values["status_callback"] = account.status_callback
        made = await self._call(self._rest.messages.create_async(**values))
        if not made.sid:
            raise ConnectorBug("Twilio accepted the text but named no message SID")
        return Sent(vendor_id=str(made.sid))

    async def aclose(self) -> None:
        """Closes the session."""
        await self._http.close()

    async def _call(self, call: Any) -> Any:
        try:
            return await call
        except ConnectorError:
            raise
        except (TwilioException, ValueError, KeyError, TypeError, AttributeError) as error:
            # The SDK reads replies without checking them; these are what a strange one causes.
            raise ConnectorBug(
                f"Twilio's reply is not as documented ({type(error).__name__})"
            ) from None


class _HubHttpClient(AsyncTwilioHttpClient):
    """The SDK's HTTP client, towards the account's base URL."""

    def __init__(self, account: TwilioAccount, timeout_seconds: float) -> None:
        super().__init__(pool_connections=False)
        self._session: aiohttp.ClientSession | None = None
        self._base_url = account.base_url
        self._secrets = secrets_of(account)
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(5.0, timeout_seconds)
        )

    async def request(  # noqa: PLR0913 - the SDK calls it with these names
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Makes the SDK's request; a refusal or a lost answer is raised as the hub's error."""
        is_write = method.upper() != "GET"
        login = {"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {}
        try:
            async with self._open().request(
                method,
                self._base_url + urlsplit(url).path,
                params=params,
                data=data,
                headers={**headers, **login},
                allow_redirects=False,
            ) as reply:
                text = await reply.text("utf-8", "replace")
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, writes=is_write) from None
        if reply.status >= 300:
            raise self._refusal(reply.status, reply.headers, text, writes=is_write)
        return Response(reply.status, text, reply.headers)

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use, since a session belongs to a running event loop.
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONCURRENCY, keepalive_timeout=KEEPALIVE_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def close(self) -> None:
        """Closes the session."""
        if self._session is not None:
            await self._session.close()

    def _refusal(
        self, status: int, headers: Mapping[str, str], text: str, *, writes: bool
    ) -> ConnectorError:
        code, message = _code_and_message(text)
        detail = without_secrets(message, self._secrets)
        known: dict[str, Any] = {
            "vendor_code": str(code) if code else None,
            "request_id": headers.get("Twilio-Request-Id"),
            "status": status,
        }
        says = without_people(detail) or f"status {status}"
        if code in AUTH_CODES:
            return AuthError(f"Twilio refuses the credentials: {says}", **known)
        if code in BUSY_CODES:
            return RateLimited(
                f"Twilio asks for a pause: {says}", retry_after=retry_after(headers), **known
            )
        if code in QUOTA_CODES:
            return QuotaExceeded(f"Twilio's daily limit is reached: {says}", **known)
        if code and status in (400, 404):
            return InvalidRequest(f"Twilio refuses this text ({code}): {says}", **known)
        renamed = {**headers, "X-Request-Id": headers.get("Twilio-Request-Id", "")}
        body = b"" if message else without_secrets(text[:2000], self._secrets).encode()
        return error_for_status(
            status,
            headers=renamed,
            detail=detail,
            body=body,
            writes=writes,
            vendor_code=known["vendor_code"],
        )


def _code_and_message(text: str) -> tuple[int | None, str]:
    """Twilio's error code and sentence: https://www.twilio.com/docs/api/errors."""
    try:
        found = json.loads(text)
    except ValueError:
        return None, ""
    if not isinstance(found, dict):
        return None, ""
    code = found.get("code")
    return code if isinstance(code, int) else None, str(found.get("message") or "")[:300]
