"""Zendesk's Support API, version 2.

https://developer.zendesk.com/api-reference/ticketing/introduction/. Without good credentials
some calls are answered as to an anonymous visitor, so the check asks who it is.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from connectors.kit.capabilities import Properties, Whom
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import dig, listed, walk
from connectors.kit.redact import without_people
from connectors.kit.values import decimals_as_text
from connectors.zendesk.account import ZendeskAccount

API = "/api/v2"


class ZendeskClient:
    """Speaks to one account. Numbers of ticket fields are kept: they do not change."""

    def __init__(self, account: ZendeskAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        self._fields: dict[str, int] = {}
        pair = f"{account.agent_email}/token:{account.api_token.get_secret_value()}"
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Basic {b64encode(pair.encode()).decode('ascii')}"},
            timeout=timeout,
            explain=_explain,
        )

    async def get(self, path: str, **params: str) -> Any:
        """What stands at a path below the API's root."""
        return (await self._http.send("GET", f"{API}{path}", params=params or None)).json()

    async def write(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Writes, and gives the answer."""
        return (await self._http.send(method, f"{API}{path}", json=body, headers=headers)).json()

    async def delete(self, path: str) -> None:
        """Deletes; NotFound where it is gone."""
        await self._http.send("DELETE", f"{API}{path}")

    async def webhooks(self) -> Sequence[Any]:
        """All webhooks of the account; the cursor counts only while there is more."""

        async def fetch(after: str) -> tuple[Sequence[Any], str | None]:
            query = {"page[size]": "100", **({"page[after]": after} if after else {})}
            reply = await self.get("/webhooks", **query)
            following = dig(reply, "meta.after_cursor") if dig(reply, "meta.has_more") else None
            return listed(reply, "webhooks"), str(following) if following else None

        return [one async for page in walk(fetch, "") for one in page]

    async def check(self) -> str:
        """As whom the account knows the token; AuthError where as nobody."""
        user = dig(await self.get("/users/me"), "user")
        if not isinstance(user, dict):
            raise ConnectorBug("Zendesk's answer names no user")
        if not user.get("id"):
            raise AuthError(
                "Zendesk takes the hub for a visitor: enter the agent's e-mail address and an API "
                "token that is active"
            )
        host = urlsplit(self.account.base_url).hostname
        return f"The account {host} answers; the token is that of an {user.get('role', 'agent')}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def user_of(self, whom: Whom) -> dict[str, Any] | None:
        """A user by number, e-mail, external id or telephone; None where there is none.

        An id that is no number is another vendor's.
        """
        if whom.customer_id.isdecimal():
            found = dig(await self.get(f"/users/{whom.customer_id}"), "user")
            return found if isinstance(found, dict) else None
        if whom.email and (found := await self._searched("email", whom.email)):
            return found
        if whom.external_id:
            reply = await self.get("/users/search", external_id=whom.external_id)
            for one in listed(reply, "users"):
                if one.get("external_id") == whom.external_id:
                    return dict(one)
        return await self._searched("phone", whom.phone) if whom.phone else None

    async def _searched(self, field: str, value: str) -> dict[str, Any] | None:
        """The one user whose address or number it is; a search also finds what resembles it."""
        wanted = value.replace('"', "").casefold()
        reply = await self.get("/users/search", query=f'{field}:"{wanted}"')
        same = [one for one in listed(reply, "users") if _text(one.get(field)) == wanted]
        return dict(same[0]) if len(same) == 1 else None

    async def known_user(self, whom: Whom) -> dict[str, Any]:
        """As `user_of`.

        Raises:
            NotFound: The account has no such user.
        """
        found = await self.user_of(whom)
        if found is None:
            raise NotFound("Zendesk has no user with this e-mail, telephone or external id")
        return found

    async def custom_fields(self, fields: Properties) -> list[dict[str, Any]]:
        """Ticket fields by number or title, as a ticket takes them.

        Raises:
            InvalidRequest: There is no active field of that title.
        """
        if any(not name.isdecimal() and name.casefold() not in self._fields for name in fields):
            found = listed(await self.get("/ticket_fields"), "ticket_fields")
            self._fields = {
                _text(one.get("title")): number_of(one) for one in found if one.get("active", True)
            }
        return [
            {"id": self._field(name), "value": decimals_as_text(value)}
            for name, value in fields.items()
        ]

    def _field(self, name: str) -> int:
        if name.isdecimal():
            return int(name)
        found = self._fields.get(name.casefold())
        if found is None:
            raise InvalidRequest(
                f"Zendesk has no active ticket field {name[:60]!r}: make it in the Admin Center "
                "under Objects and rules, Tickets, Fields"
            )
        return found


def number_of(record: Any) -> int:
    """The id of a record; ConnectorBug where it is none."""
    found = record.get("id") if isinstance(record, dict) else None
    if not isinstance(found, int) or isinstance(found, bool):
        raise ConnectorBug("Zendesk's answer has a record without an id")
    return found


def _text(value: Any) -> str:
    return str(value or "").casefold()


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """What a refused record says of its fields."""
    if status not in (400, 422):
        return None
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(reply, dict) or not isinstance(reply.get("error"), str):
        return None
    details = reply.get("details")
    fields = details.items() if isinstance(details, dict) else ()
    told = [f"{name}: {_first(found)}" for name, found in fields]
    says = "; ".join([str(reply.get("description") or ""), *told]).strip("; ")
    text = f"Zendesk refuses it ({reply['error'][:60]}): {without_people(says[:300])}"
    return InvalidRequest(text, vendor_code=reply["error"][:60], status=status)


def _first(found: Any) -> str:
    one = found[0] if isinstance(found, list) and found else found
    return str(one.get("description", "") if isinstance(one, dict) else one)[:120]
