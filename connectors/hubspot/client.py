"""Speaks to HubSpot's CRM over HTTP.

https://developers.hubspot.com/docs/guides/api/crm/objects/contacts and, for errors,
https://developers.hubspot.com/docs/reference/api/other-resources/error-handling
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeGuard

import httpx
import orjson

from connectors.hubspot.account import HubSpotAccount
from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
)
from connectors.kit.http import TIMEOUT, HttpClient, HttpReply
from connectors.kit.http_errors import error_for_status, retry_after
from connectors.kit.paging import dig, walk
from connectors.kit.redact import without_people

SEARCH_PATH = "/crm/v3/objects/contacts/search"
UPSERT_PATH = "/crm/v3/objects/contacts/batch/upsert"
MAX_PAUSE_SECONDS = 2.0
PAGE_SIZE = 200
MAX_FOUND = 10_000
"""So many results a search of HubSpot's gives; then it has to be asked anew, from there on."""

PROPERTIES = (
    "email",
    "phone",
    "firstname",
    "lastname",
    "createdate",
    "lastmodifieddate",
    "hs_email_optout",
    "recent_conversion_date",
    "recent_conversion_event_name",
)

_KIND_OF_CATEGORY: dict[str, type[ConnectorError]] = {
    "CONFLICT": Conflict,
    "OBJECT_NOT_FOUND": NotFound,
    "RATE_LIMITS": RateLimited,
}


@dataclass(frozen=True, slots=True)
class Contact:
    """What is written about one person; `email` finds or makes the contact."""

    email: str
    properties: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A contact that was written: HubSpot's id (empty where it does not tell), and if it is new."""

    id: str
    created: bool


class HubSpotClient:
    """One account's contacts.

    Args:
        timeout: Of each call; a read time-out of a write is an unknown outcome.
    """

    def __init__(self, account: HubSpotAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self._account = account
        token = account.access_token.get_secret_value()
        self._http, self._forms = (
            HttpClient(
                url,
                headers={"Authorization": f"Bearer {token}"},
                timeout=timeout,
                explain=_explain,
            )
            for url in (account.base_url, account.forms_url)
        )
        self._resume_at = 0.0

    @property
    def account(self) -> HubSpotAccount:
        """Whom this client speaks for, with its settings."""
        return self._account

    async def check(self) -> str:
        """Reads one contact, the smallest call that needs the token and its read scope."""
        reply = await self._send("GET", "/crm/v3/objects/contacts", params={"limit": "1"})
        if not isinstance(_object(reply).get("results"), list):
            raise ConnectorBug("HubSpot's reply does not list contacts")
        return "HubSpot answers and lets the hub read contacts."

    async def upsert(self, contacts: Sequence[Contact]) -> dict[str, Written | ConnectorError]:
        """Creates or updates up to 100 contacts with different addresses; outcomes by address.

        Raises:
            ConnectorError: Of the whole call; nothing was written where it is InvalidRequest.
        """
        inputs = [
            {
                "id": one.email,
                "idProperty": "email",
                "objectWriteTraceId": str(place),
                "properties": dict(one.properties),
            }
            for place, one in enumerate(contacts)
        ]
        reply = await self._send("POST", UPSERT_PATH, json={"inputs": inputs})
        return _outcomes(reply, [one.email for one in contacts])

    async def changed(self, start: datetime) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """Contacts that changed since then, oldest change first."""

        async def fetch(step: tuple[int, str]) -> tuple[list[dict[str, Any]], Any]:
            since, after = step
            reply = await self._send(
                "POST", SEARCH_PATH, json=_question(since, after), writes=False
            )
            body = _object(reply)
            found = body.get("results")
            if not _are_objects(found):
                raise ConnectorBug("HubSpot's reply does not list contacts")
            following = str(dig(body, "paging.next.after") or "")
            if not following.isdecimal() or not found:
                return found, None
            if int(following) < MAX_FOUND:
                return found, (since, following)
            newest = max(_milliseconds(one) for one in found)
            return found, (newest, "0") if newest > since else None

        async for page in walk(fetch, (int(start.timestamp() * 1000), "0")):
            yield page

    async def send_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Sends up to 100 custom events, all or none."""
        await self._send("POST", "/events/v3/send/batch", json={"inputs": list(events)})

    async def submit_form(self, form: str, body: dict[str, Any]) -> None:
        """Submits a form of this account, at the address that takes forms.

        Raises:
            InvalidRequest: The account's number is not in the credentials.
        """
        portal = self._account.portal_id
        if not portal:
            raise InvalidRequest(
                "forms need the account's number (Hub ID): enter it in the connection's credentials"
            )
        path = f"/submissions/v3/integration/secure/submit/{portal}/{form}"
        reply = await self._forms.send("POST", path, json=body)
        _object(reply)

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()
        await self._forms.aclose()

    async def _send(self, method: str, path: str, **content: Any) -> HttpReply:
        loop = asyncio.get_running_loop()
        if self._resume_at > loop.time():
            await asyncio.sleep(self._resume_at - loop.time())
        reply = await self._http.send(method, path, **content)
        if reply.headers.get("x-hubspot-ratelimit-remaining") == "0":
            # The window rolls: a tenth of it frees a tenth of the calls.
            pause = _interval(reply.headers) or timedelta(seconds=10)
            self._resume_at = loop.time() + min(pause.total_seconds() / 10, MAX_PAUSE_SECONDS)
        return reply


def _question(since: int, after: str) -> dict[str, Any]:
    changed = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}
    return {
        "filterGroups": [{"filters": [changed]}],
        "sorts": ["lastmodifieddate"],
        "properties": list(PROPERTIES),
        "limit": PAGE_SIZE,
        "after": after,
    }


def _milliseconds(contact: dict[str, Any]) -> int:
    """When a contact changed; 0 where it does not say so."""
    try:
        changed = datetime.fromisoformat(str(dig(contact, "properties.lastmodifieddate")))
    except ValueError:
        return 0
    return int(changed.timestamp() * 1000)


def _outcomes(reply: HttpReply, emails: Sequence[str]) -> dict[str, Written | ConnectorError]:
    """Who was written and who was refused: by trace id, or by the address where none is told."""
    body = _object(reply)
    results, errors = body.get("results"), body.get("errors") or []
    if not _are_objects(results) or not _are_objects(errors):
        raise ConnectorBug("HubSpot's reply does not list the contacts", status=reply.status)
    by_name = {one.lower(): one for one in emails} | {
        str(place): one for place, one in enumerate(emails)
    }
    found: dict[str, Written | ConnectorError] = {}
    for one in errors:
        for name in _named(one.get("context")):
            if name.lower() in by_name:
                found[by_name[name.lower()]] = _refused(one)
    for one in results:
        properties = one.get("properties")
        address = properties.get("email") if isinstance(properties, dict) else None
        names = (one.get("objectWriteTraceId"), address)
        email = next((by_name[str(n).lower()] for n in names if str(n).lower() in by_name), None)
        if email is not None:
            found[email] = Written(id=str(one.get("id", "")), created=bool(one.get("new")))
    is_complete = reply.status != 207 and not errors and body.get("status") == "COMPLETE"
    for email in emails:
        found.setdefault(email, Written(id="", created=False) if is_complete else _untold())
    return found


def _are_objects(found: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(found, list) and all(isinstance(one, dict) for one in found)


def _named(context: Any) -> list[str]:
    """The trace ids and addresses an error names; trace ids alone where there are any."""
    if not isinstance(context, dict):
        return []
    values = context.get("objectWriteTraceId") or [
        one for many in context.values() if isinstance(many, list) for one in many
    ]
    return [str(one) for one in values] if isinstance(values, list) else []


def _refused(error: Mapping[str, Any]) -> ConnectorError:
    category = str(error.get("category") or "")
    kind = _KIND_OF_CATEGORY.get(category, InvalidRequest)
    says = without_people(str(error.get("message") or "no explanation given"))[:400]
    return kind(f"HubSpot refuses this contact: {says}", vendor_code=category or None)


def _untold() -> OutcomeUnknown:
    return OutcomeUnknown("HubSpot's reply does not say what became of this contact")


def _object(reply: HttpReply) -> dict[str, Any]:
    body = reply.json()
    if not isinstance(body, dict):
        raise ConnectorBug("HubSpot's reply is not a JSON object", status=reply.status)
    return body


def _interval(headers: Mapping[str, str]) -> timedelta | None:
    value = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    return timedelta(milliseconds=int(value)) if value.isdecimal() else None


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """HubSpot's own error document, its daily quota, and its two ways of saying `later`."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    said = document if isinstance(document, dict) else {}
    category = str(said.get("category") or "") or None
    text = without_people(str(said.get("message") or ""))[:400]
    request_id = str(said.get("correlationId") or "") or None
    if status == 429 and said.get("policyName") == "DAILY":
        return QuotaExceeded(
            "HubSpot's daily number of calls is used up: deliveries wait until it resets",
            vendor_code=category,
            request_id=request_id,
            status=status,
        )
    if status in (423, 429, 477):
        wait = retry_after(headers) or (_interval(headers) if status == 429 else None)
        return RateLimited(
            f"HubSpot asks for a pause ({status}): {text or 'no explanation given'}",
            retry_after=wait,
            vendor_code=category,
            request_id=request_id,
            status=status,
        )
    if not text:
        return None
    known = {**headers, "x-request-id": request_id or ""}
    return error_for_status(status, headers=known, detail=text, vendor_code=category, writes=writes)
