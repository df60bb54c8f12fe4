"""Intercom's REST API, version 2.16.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io. A contact is a
user or a lead; several may share an e-mail address, and only the external id is unique.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from connectors.intercom.account import IntercomAccount
from connectors.kit.capabilities import Whom
from connectors.kit.errors import (
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    RateLimited,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import listed
from connectors.kit.redact import without_people

API_VERSION = "2.16"
CONTACT_ID = re.compile(r"[0-9a-f]{24}")
Record = dict[str, Any]


class IntercomClient:
    """Speaks to one workspace. Numbers of tags and of the token's teammate are kept."""

    def __init__(self, account: IntercomAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        self._tags: dict[str, str] = {}
        self._admin = account.admin_id
        self._http = HttpClient(
            account.base_url,
            headers={
                "Authorization": f"Bearer {account.access_token.get_secret_value()}",
                "Intercom-Version": API_VERSION,
                "Accept": "application/json",
            },
            timeout=timeout,
            explain=_explain,
        )

    async def check(self) -> str:
        """The workspace's name in a sentence; AuthError where the token is refused."""
        app = (await self._me()).get("app")
        name = str(app.get("name") or "") if isinstance(app, dict) else ""
        return f"The workspace {name[:100]!r} answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def admin(self) -> int:
        """The teammate whose name messages bear: the configured one, else the token's."""
        if not self._admin:
            found = (await self._me()).get("id")
            if not isinstance(found, str) or not found.isdecimal():
                raise ConnectorBug("Intercom does not say whose token it is")
            self._admin = found
        return int(self._admin)

    async def _me(self) -> Record:
        return _object((await self._http.send("GET", "/me")).json())

    # --- contacts ----------------------------------------------------------------------------

    async def contact_of(self, whom: Whom) -> Record | None:
        """A contact by Intercom's id, external id, e-mail or telephone; None where there is none.

        An id of another form is another vendor's.
        """
        if CONTACT_ID.fullmatch(whom.customer_id):
            return await self._contact(f"/contacts/{whom.customer_id}")
        if whom.external_id:
            path = f"/contacts/find_by_external_id/{quote(whom.external_id, safe='')}"
            if found := await self._contact(path):
                return found
        if whom.email and (found := await self._searched("email", whom.email.lower())):
            return found
        return await self._searched("phone", whom.phone) if whom.phone else None

    async def known_contact(self, whom: Whom) -> Record:
        """As `contact_of`.

        Raises:
            NotFound: The workspace has no such contact.
        """
        found = await self.contact_of(whom)
        if found is None:
            raise NotFound("Intercom has no contact with this id, e-mail or telephone")
        return found

    async def _contact(self, path: str) -> Record | None:
        try:
            return _object((await self._http.send("GET", path)).json())
        except NotFound:
            return None

    async def _searched(self, field: str, value: str) -> Record | None:
        """Of several the user before the lead, and the one that was there first."""
        query = {"field": field, "operator": "=", "value": value}
        body = {"query": query, "pagination": {"per_page": 50}}
        reply = (await self._http.send("POST", "/contacts/search", json=body, writes=False)).json()
        same = [
            dict(one)
            for one in listed(reply, "data")
            if isinstance(one, dict) and str(one.get(field) or "").lower() == value
        ]
        return min(same, key=_seniority) if same else None

    async def write_contact(self, body: Record, contact_id: str = "") -> Record:
        """Creates a contact, or changes one; Conflict where one like it was made meanwhile."""
        method, path = ("PUT", f"/contacts/{contact_id}") if contact_id else ("POST", "/contacts")
        return _object((await self._http.send(method, path, json=body)).json())

    # --- tags --------------------------------------------------------------------------------

    async def tag_id(self, name: str) -> str:
        """A tag's number; it is made where there is none of that name."""
        known = name.strip().casefold()
        if known not in self._tags:
            reply = (await self._http.send("POST", "/tags", json={"name": name.strip()})).json()
            self._tags[known] = id_of(reply)
        return self._tags[known]

    async def tags_of(self, contact_id: str) -> Mapping[str, str]:
        """Numbers of a contact's tags by name, in small letters."""
        reply = (await self._http.send("GET", f"/contacts/{contact_id}/tags")).json()
        return {str(one.get("name", "")).casefold(): id_of(one) for one in listed(reply, "data")}

    async def attach(self, contact_id: str, tag_id: str) -> None:
        """Tags a contact; one that has the tag keeps it."""
        await self._http.send("POST", f"/contacts/{contact_id}/tags", json={"id": tag_id})

    async def detach(self, contact_id: str, tag_id: str) -> None:
        """Takes a tag from a contact; NotFound where they have none such."""
        await self._http.send("DELETE", f"/contacts/{contact_id}/tags/{quote(tag_id, safe='')}")

    # --- events and messages -----------------------------------------------------------------

    async def record_event(self, body: Record) -> None:
        """Hands an event over; the answer has no content."""
        await self._http.send("POST", "/events", json=body)

    async def send_message(self, body: Record) -> Record:
        """Sends a message in a teammate's name."""
        return _object((await self._http.send("POST", "/messages", json=body)).json())


def id_of(record: Any) -> str:
    """The id of a record; ConnectorBug where it is none."""
    found = record.get("id") if isinstance(record, dict) else None
    if not isinstance(found, (str, int)) or isinstance(found, bool) or not found:
        raise ConnectorBug("Intercom's answer has a record without an id")
    return str(found)


def _seniority(contact: Record) -> tuple[bool, int]:
    created = contact.get("created_at")
    return contact.get("role") != "user", created if isinstance(created, int) else 0


def _object(reply: Any) -> Record:
    if not isinstance(reply, dict):
        raise ConnectorBug("Intercom's answer is not an object")
    return reply


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """What Intercom's error lists say, and how long it wants to be left alone."""
    if status == 429:
        return _pause(headers)
    if status not in (400, 410, 422):
        return None
    code, says = _first_error(body)
    if not code:
        return None
    known: dict[str, Any] = {"vendor_code": code, "status": status}
    if status == 410:
        return NotFound("this contact was merged into another one at Intercom", **known)
    return InvalidRequest(f"Intercom refuses it ({code}): {without_people(says)}", **known)


def _pause(headers: Mapping[str, str]) -> ConnectorError | None:
    """The window's end is told as a Unix time, in a header of its own."""
    reset = headers.get("X-RateLimit-Reset") or headers.get("x-ratelimit-reset") or ""
    if not re.fullmatch(r"\d{9,11}", reset):
        return None
    left = datetime.fromtimestamp(int(reset), UTC) - datetime.now(UTC)
    wait = min(max(left, timedelta(seconds=1)), timedelta(minutes=5))
    return RateLimited("Intercom asks for a pause", retry_after=wait, status=429)


def _first_error(body: bytes) -> tuple[str, str]:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", ""
    errors: Sequence[Any] = reply.get("errors") or () if isinstance(reply, dict) else ()
    one = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(one, dict):
        return "", ""
    return str(one.get("code") or "")[:60], str(one.get("message") or "")[:300]
