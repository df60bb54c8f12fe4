"""Smile.io's REST API.

Follows https://dev.smile.io/api: JSON below `/v1`, a bearer token, lists by cursor. Nothing
there takes an idempotency key but activities, which this connector does not send.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from connectors.kit.capabilities import Whom
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import by_cursor, listed
from connectors.smile.account import SmileAccount

PAGE_SIZE = 250
V1 = "/v1"


class SmileClient:
    """Speaks to one programme.

    Attributes:
        states: The states of customers that the poll tells of.
    """

    def __init__(self, account: SmileAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.states = account.states
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Bearer {account.api_key.get_secret_value()}"},
            timeout=timeout,
        )

    async def create(self, path: str, body: Mapping[str, Any], *, answer: str) -> dict[str, Any]:
        """Posts the body and returns the object that the reply holds under `answer`."""
        reply = (await self._http.send("POST", f"{V1}{path}", json=body)).json()
        return _object(reply, answer)

    async def customer_id(self, whom: Whom) -> int:
        """Smile's number of a person: as given, else found by e-mail.

        Raises:
            InvalidRequest: The id is no number of Smile's.
            NotFound: The programme has no such customer.
        """
        if whom.customer_id:
            return whole(whom.customer_id, "the customer's id")
        if whom.email:
            query = {"email": whom.email, "limit": "1"}
            reply = (await self._http.send("GET", f"{V1}/customers", params=query)).json()
            for found in listed(reply, "customers"):
                return int(id_of(found))
        raise NotFound("Smile.io has no customer with this e-mail address")

    async def transactions(self, customer_id: int) -> AsyncIterator[Sequence[Any]]:
        """The points transactions of a customer, page by page."""
        async for page in self._pages("points_transactions", {"customer_id": str(customer_id)}):
            yield page

    async def customers_since(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Customers that changed since, in no order that Smile.io promises."""
        async for page in self._pages("customers", {"updated_at_min": start.isoformat()}):
            yield page

    async def check(self) -> str:
        """What points are called there, in a sentence; AuthError where the key is refused."""
        reply = (await self._http.send("GET", f"{V1}/points_settings")).json()
        label = _object(reply, "points_settings").get("points_label")
        name = str(label.get("other", "points")) if isinstance(label, dict) else "points"
        return f"Smile.io answers; its points are called {name[:60]!r}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _pages(self, name: str, query: Mapping[str, str]) -> AsyncIterator[Sequence[Any]]:
        async for page in by_cursor(
            self._http,
            f"{V1}/{name}",
            items=name,
            cursor="metadata.next_cursor",
            params={**query, "limit": str(PAGE_SIZE)},
        ):
            yield page


def whole(text: str, what: str) -> int:
    """A number of Smile's from text; InvalidRequest where it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidRequest(f"{what} is not a number at Smile.io: {text[:40]!r}")
    return int(text)


def id_of(found: Any) -> str:
    """The id in an object of a reply, as text; ConnectorBug where there is none."""
    identity = found.get("id") if isinstance(found, dict) else None
    if not isinstance(identity, int) or isinstance(identity, bool):
        raise ConnectorBug("Smile.io's answer has no id")
    return str(identity)


def _object(reply: Any, name: str) -> dict[str, Any]:
    found = reply.get(name) if isinstance(reply, dict) else None
    if not isinstance(found, dict):
        raise ConnectorBug(f"Smile.io's answer has no {name}")
    return found
