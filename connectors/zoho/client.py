"""Zoho CRM's REST API.

Follows https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html: a refusal has `code`,
`message` and `details`; what was written is answered record by record, so that some may be
refused while others are taken (status 207), or all of them (400, 202 in older versions).
Nothing found is 204, nothing changed since is 304: neither has a body.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
import orjson

from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.oauth import TokenGrant, TokenKeeper, TokenStore
from connectors.kit.paging import dig, listed, walk
from connectors.kit.redact import without_people
from connectors.zoho.account import ZohoAccount
from connectors.zoho.version import API, TOKEN

PAGE_SIZE = 200
NOT_MODIFIED = 304
Record = Mapping[str, Any]


class ZohoClient:
    """Speaks to one organisation."""

    def __init__(
        self,
        account: ZohoAccount,
        tokens: TokenStore | None = None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.account = account
        grant = TokenGrant(
            f"{account.accounts_url}{TOKEN}",
            account.client_id,
            account.client_secret,
            account.refresh_token,
            timeout=timeout,
        )
        self._http = HttpClient(
            account.base_url,
            auth=TokenKeeper(grant, tokens, scheme="Zoho-oauthtoken"),
            timeout=timeout,
            explain=_explain,
        )

    async def upsert(
        self, module: str, records: Sequence[Record], by: str
    ) -> list[str | ConnectorError]:
        """Creates or updates up to 100 records; the id or the refusal of each, in order."""
        body = {"data": list(records), "duplicate_check_fields": [by]}
        return await self._written("POST", f"{API}/{module}/upsert", body, len(records))

    async def update(self, module: str, record: Record) -> str:
        """Changes the fields of one record, which names its id."""
        path = f"{API}/{module}/{record['id']}"
        return _one(await self._written("PUT", path, {"data": [record]}, 1))

    async def create(self, module: str, record: Record) -> str:
        """Makes one record and returns its id."""
        return _one(await self._written("POST", f"{API}/{module}", {"data": [record]}, 1))

    async def tag(self, module: str, record_id: str, tags: Sequence[str], *, add: bool) -> None:
        """Adds tags to a record, or takes them off; what is so already stays so."""
        path = f"{API}/{module}/actions/{'add' if add else 'remove'}_tags"
        body: dict[str, Any] = {"tags": [{"name": tag} for tag in tags], "ids": [record_id]}
        if add:
            body["over_write"] = False
        _one(await self._written("POST", path, body, 1))

    async def search(self, module: str, **query: str) -> Sequence[Any]:
        """Records found by `email`, `phone` or `criteria`."""
        params = {**query, "fields": "id,Email", "per_page": "5"}
        reply = await self._http.send("GET", f"{API}/{module}/search", params=params)
        return listed(reply.json(), "data") if reply.body else ()

    async def notes(self, module: str, record_id: str) -> AsyncIterator[Sequence[Any]]:
        """The notes of a record, a page at a time."""
        path = f"{API}/{module}/{record_id}/Notes"
        async for page in self._pages(path, {"fields": "id,Note_Title"}, {}):
            yield page

    async def changed(
        self, module: str, fields: Sequence[str], start: datetime
    ) -> AsyncIterator[Sequence[Any]]:
        """Records that changed since, oldest change first."""
        params = {"fields": ",".join(fields), "sort_by": "Modified_Time", "sort_order": "asc"}
        since = {"If-Modified-Since": start.isoformat(timespec="seconds")}
        async for page in self._pages(f"{API}/{module}", params, since):
            yield page

    async def channels(self) -> Sequence[Any]:
        """Every notification channel of this client, all pages."""
        found: list[Any] = []

        async def fetch(page: int) -> tuple[Sequence[Any], int | None]:
            params = {"page": str(page), "per_page": str(PAGE_SIZE)}
            reply = await self._http.send("GET", f"{API}/actions/watch", params=params)
            if not reply.body:
                return (), None
            content = reply.json()
            more = dig(content, "info.more_records") is True
            return listed(content, "watch"), page + 1 if more else None

        async for channels in walk(fetch, 1):
            found += channels
        return found

    async def watch(self, method: str, channel: Record) -> None:
        """Opens a channel (POST) or says anew what it is (PUT)."""
        body = {"watch": [channel]}
        reply = (await self._http.send(method, f"{API}/actions/watch", json=body)).json()
        for one in listed(reply, "watch"):
            _require_success(one)

    async def unwatch(self, channel_id: str) -> None:
        """Ends a channel; NotFound where there is none."""
        params = {"channel_ids": channel_id}
        try:
            reply = await self._http.send("DELETE", f"{API}/actions/watch", params=params)
        except InvalidRequest as error:
            raise NotFound("Zoho has no such channel", vendor_code=error.vendor_code) from None
        for one in listed(reply.json(), "watch"):
            _require_success(one)

    async def check(self) -> str:
        """One contact is asked for; AuthError where the client or its token is refused."""
        params = {"fields": "id", "per_page": "1"}
        reply = await self._http.send("GET", f"{API}/Contacts", params=params)
        if reply.body:
            listed(reply.json(), "data")
        return "Zoho CRM answers, and its contacts can be read."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _written(
        self, method: str, path: str, body: Mapping[str, Any], count: int
    ) -> list[str | ConnectorError]:
        reply = (await self._http.send(method, path, json=body)).json()
        found = [_outcome(one) for one in listed(reply, "data")]
        if len(found) != count:
            raise OutcomeUnknown("Zoho answered for another number of records than it was given")
        return found

    async def _pages(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[Sequence[Any]]:
        """Pages by token, since numbered ones end at 2,000 records."""

        async def fetch(token: str) -> tuple[Sequence[Any], str | None]:
            query = {
                **params,
                "per_page": str(PAGE_SIZE),
                **({"page_token": token} if token else {}),
            }
            try:
                reply = await self._http.send("GET", path, params=query, headers=headers)
            except ConnectorError as error:
                if error.status == NOT_MODIFIED:
                    return (), None
                raise
            if not reply.body:
                return (), None
            content = reply.json()
            more = dig(content, "info.more_records") is True
            following = dig(content, "info.next_page_token")
            if more and not following:
                raise ConnectorBug("Zoho has more records and does not say where")
            return listed(content, "data"), str(following) if more else None

        async for page in walk(fetch, ""):
            yield page


# --- answers ---------------------------------------------------------------------------------

ABSENT = frozenset({"INVALID_URL_PATTERN", "NOT_FOUND", "RECORD_NOT_FOUND"})
SCOPES = frozenset({"OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "PERMISSION_DENIED"})
REFUSED = frozenset({"INVALID_TOKEN", "AUTHENTICATION_FAILURE", "INVALID_OAUTHTOKEN"})


def _one(outcomes: Sequence[str | ConnectorError]) -> str:
    (outcome,) = outcomes
    if isinstance(outcome, ConnectorError):
        raise outcome
    return outcome


def _outcome(one: Any) -> str | ConnectorError:
    if not isinstance(one, dict):
        return ConnectorBug("Zoho's answer to a record is no object")
    if one.get("status") != "success":
        return refusal(one, status=None) or ConnectorBug("Zoho refuses a record and says no code")
    found = dig(one, "details.id")
    return str(found) if found else ConnectorBug("Zoho's answer names no record")


def _require_success(one: Any) -> None:
    if not isinstance(one, dict) or one.get("status") != "success":
        told = one if isinstance(one, dict) else {}
        raise refusal(told, status=None) or ConnectorBug("Zoho's channel has no status")


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """Zoho's own refusal, which may stand in the answer to a single record."""
    if status >= 500 or status == 429:
        return None
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    for place in ("data", "watch"):
        inner = reply.get(place) if isinstance(reply, dict) else None
        if isinstance(inner, list) and inner:
            reply = inner[0]
    return refusal(reply, status=status) if isinstance(reply, dict) else None


def refusal(told: Record, *, status: int | None) -> ConnectorError | None:
    """The error that a code of Zoho's stands for; None where there is none."""
    code = told.get("code")
    if not isinstance(code, str) or not code.isupper():
        return None
    place = dig(told, "details.api_name") or dig(told, "details.param_name") or ""
    text = without_people(str(told.get("message", ""))[:200])
    says = f"{text} ({code}{f', field {str(place)[:100]}' if place else ''})"
    known: dict[str, Any] = {"vendor_code": code, "status": status}
    if code in SCOPES:
        # A status of its own, so that the token is not renewed in vain.
        return ScopeError(f"Zoho lacks a scope or a permission: {says}", vendor_code=code)
    if code in REFUSED:
        return AuthError(f"Zoho refuses the token: renew it in the block: {says}", **known)
    if code == "TOO_MANY_REQUESTS":
        return RateLimited(f"Zoho asks for a pause: {says}", **known)
    if code in ("LIMIT_EXCEEDED", "API_LIMIT_EXCEEDED"):
        return QuotaExceeded(f"Zoho's credits or quota are used up: {says}", **known)
    if code == "DUPLICATE_DATA":
        return Conflict(f"Zoho holds it already in another record: {says}", **known)
    if code in ABSENT or (code == "INVALID_DATA" and place == "id"):
        return NotFound(f"Zoho has no such record: {says}", **known)
    if code == "INTERNAL_ERROR":
        return OutcomeUnknown(f"Zoho failed in the middle: {says}", **known)
    return InvalidRequest(f"Zoho refuses it: {says}", **known)
