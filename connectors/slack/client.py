"""Speaks to Slack through its own SDK: https://docs.slack.dev/reference/methods/chat.postMessage."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.http import KEEPALIVE_SECONDS
from connectors.kit.http_errors import error_for_status, retry_after, transport_error
from connectors.slack.account import SlackAccount
from connectors.slack.messages import Posted

TIMEOUT_SECONDS = 10.0
CONCURRENCY = 4

# At level DEBUG the SDK writes whole requests, and a webhook's address is its secret.
_SILENT = logging.getLogger("connectors.slack.sdk")
_SILENT.setLevel(logging.INFO)

AUTH = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
     "invalid_token", "no_service", "no_active_hooks", "no_team"}
)  # fmt: skip
SCOPE = frozenset({"missing_scope", "no_permission", "ekm_access_denied", "action_prohibited"})
BUSY = frozenset({"ratelimited", "rate_limited"})
UNCLEAR = frozenset({"internal_error", "fatal_error", "rollup_error", "request_timeout"})
AWAY = frozenset({"service_unavailable", "team_added_to_org"})


class SlackClient:
    """One workspace, or one channel where there is only a webhook. Nothing is retried here."""

    def __init__(self, account: SlackAccount, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._account = account
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, sock_connect=min(5.0, timeout_seconds)
        )
        self._session: aiohttp.ClientSession | None = None

    async def check(self) -> str:
        """Asks Slack who the token is; a webhook alone cannot be asked without posting."""
        if self._account.bot_token is None:
            return (
                "An incoming webhook cannot be checked without posting: send a message to try it."
            )
        found = await self._call(self._web().api_call("auth.test", http_verb="GET"), writes=False)
        return f"Slack answers as {found.get('user')!r} in the workspace {found.get('team')!r}."

    async def post_message(
        self,
        text: str,
        channel: str = "",
        *,
        thread: str = "",
        is_broadcast: bool = False,
        blocks: Sequence[Mapping[str, Any]] = (),
    ) -> Posted:
        """Posts one message; its id is Slack's timestamp, which a webhook does not tell.

        Args:
            channel: The connection's default where it is empty.
            thread: The timestamp of the message to answer.
            blocks: The message in Block Kit; `text` is then what notifications show.
        """
        account, fields = self._account, {"text": text}
        if thread:
            fields["thread_ts"] = thread
        if is_broadcast:
            fields["reply_broadcast"] = "true"
        if account.bot_token is None:
            if channel not in ("", account.default_channel):
                raise InvalidRequest(
                    f"an incoming webhook posts to its own channel only, not to {channel}: "
                    "enter a bot token to choose the channel"
                )
            await self._post_to_webhook(fields, blocks)
            return Posted()
        where = channel or account.default_channel
        if not where:
            raise InvalidRequest(
                "no channel: name one in the rule, or set default_channel in the credentials"
            )
        if blocks:
            fields["blocks"] = json.dumps(blocks)
        return await self._write("chat.postMessage", {"channel": where, **fields})

    async def update_message(self, text: str, channel: str, stamp: str) -> Posted:
        """Changes a message of the app's own; its buttons go, since they were pressed or are old.

        Raises:
            NotFound: There is no such message.
        """
        if self._account.bot_token is None:
            raise InvalidRequest("an incoming webhook cannot change messages: enter a bot token")
        wanted = {"channel": channel, "ts": stamp, "text": text, "blocks": "[]"}
        return await self._write("chat.update", wanted)

    async def post_to_webhook(self, text: str) -> None:
        """Posts through the incoming webhook."""
        await self._post_to_webhook({"text": text}, ())

    async def aclose(self) -> None:
        """Closes the session."""
        if self._session is not None:
            await self._session.close()

    async def _write(self, method: str, fields: Mapping[str, str]) -> Posted:
        call = self._web().api_call(method, data=dict(fields))
        found = await self._call(call, writes=True)
        if not isinstance(found.get("ts"), str):
            raise ConnectorBug("Slack accepted the message but named no timestamp")
        return Posted(vendor_id=found["ts"], channel=str(found.get("channel") or ""))

    async def _post_to_webhook(
        self, fields: Mapping[str, Any], blocks: Sequence[Mapping[str, Any]]
    ) -> None:
        address = self._account.webhook_url
        if address is None:
            raise InvalidRequest("this connection has no incoming webhook: enter its webhook_url")
        client = AsyncWebhookClient(
            address.get_secret_value(),
            session=self._open(),
            retry_handlers=[],
            logger=_SILENT,
        )
        client.proxy = None
        try:
            reply = await client.send_dict(
                {**fields, **({"blocks": list(blocks)} if blocks else {})}
            )
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, writes=True) from None
        except ValueError as error:
            raise _undocumented(error) from None
        text = reply.body.strip()
        if reply.status_code == 200 and text == "ok":
            return
        code = text if text.replace("_", "").isalnum() and len(text) < 60 else ""
        raise _error(reply.status_code, reply.headers, {"error": code}, writes=True)

    async def _call(self, call: Any, *, writes: bool) -> Any:
        try:
            return await call
        except SlackApiError as error:
            found: Any = error.response
            status: Any = getattr(found, "status_code", None) or getattr(found, "status", 0)
            data = getattr(found, "data", None)
            raise _error(
                int(status), found.headers, data if isinstance(data, dict) else {}, writes=writes
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, writes=writes) from None
        except (SlackClientError, ValueError, AttributeError, TypeError) as error:
            # The SDK reads replies without checking them; these are what a strange one causes.
            raise _undocumented(error) from None

    def _web(self) -> AsyncWebClient:
        token = self._account.bot_token
        client = AsyncWebClient(
            token.get_secret_value() if token else None,
            base_url=self._account.base_url,
            session=self._open(),
            retry_handlers=[],
            logger=_SILENT,
        )
        # The SDK would send loopback calls, too, through a proxy named in the environment.
        client.proxy = None
        return client

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use, since a session belongs to a running event loop.
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=CONCURRENCY, keepalive_timeout=KEEPALIVE_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def _undocumented(error: Exception) -> ConnectorBug:
    return ConnectorBug(f"Slack's reply is not as documented ({type(error).__name__})")


def _error(
    status: int, headers: Mapping[str, str], data: Mapping[str, Any], *, writes: bool
) -> ConnectorError:
    """The error of the tree for a refusal; Slack says no with status 200 and a word."""
    code = data.get("error")
    request_id = headers.get("x-slack-req-id")
    if not isinstance(code, str) or not code:
        if status == 200:
            return ConnectorBug("Slack answered with something it does not document", status=status)
        renamed = {**headers, "x-request-id": request_id or ""}
        return error_for_status(status, headers=renamed, writes=writes)
    known: dict[str, Any] = {"vendor_code": code, "request_id": request_id, "status": status}
    if code in BUSY or status == 429:
        return RateLimited(
            f"Slack asks for a pause: {code}", retry_after=retry_after(headers), **known
        )
    if code in AUTH:
        return AuthError(f"Slack refuses the credentials ({code}): renew them", **known)
    if code in SCOPE:
        needed = str(data.get("needed") or "")[:200]
        wanted = f": add the scope {needed} to the app and install it again" if needed else ""
        return ScopeError(f"Slack does not permit this ({code}){wanted}", **known)
    if code in AWAY or (code in UNCLEAR and not writes):
        return Transient(f"Slack is not available ({code})", **known)
    if code in UNCLEAR:
        return OutcomeUnknown(f"Slack failed ({code}); it may or may not have posted", **known)
    if code == "message_not_found":
        return NotFound("Slack has no such message, or it is not the app's own", **known)
    if status >= 500:
        return error_for_status(status, headers=headers, writes=writes, vendor_code=code)
    return InvalidRequest(f"Slack refuses this message ({code})", **known)
