"""Square's REST API (https://developer.squareup.com/reference/square).

Square leaves empty lists out of its answers, and tells what it refuses in `errors`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from connectors.kit.customers import EVERYTHING
from connectors.kit.errors import Conflict, ConnectorBug, ConnectorError, NotFound
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.http_errors import error_for_status
from connectors.kit.paging import BOUNDS, Bounds, walk
from connectors.square.account import SquareAccount
from connectors.square.records import API_VERSION, LOCATIONS, LOYALTY, Record

LOCATIONS_A_SEARCH = 10
"""What SearchOrders takes at most."""


class SquareClient:
    """Speaks for one seller."""

    def __init__(self, account: SquareAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.location_id = account.location_id
        self.reads_orders = account.read_orders
        self.allows_negative = account.allow_negative_points
        self._http = HttpClient(
            account.base_url,
            headers={
                "Authorization": f"Bearer {account.access_token.get_secret_value()}",
                "Square-Version": API_VERSION,
            },
            timeout=timeout,
            explain=_explain,
        )

    # --- calls -------------------------------------------------------------------------------

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Record:
        """The object that a reading call answers with."""
        return _object((await self._http.send("GET", path, params=query)).json())

    async def ask(self, path: str, body: Record) -> Record:
        """The answer of a search, which is a POST that changes nothing."""
        return _object((await self._http.send("POST", path, json=body, writes=False)).json())

    async def post(self, path: str, body: Record) -> Record:
        """The answer of a write."""
        return _object((await self._http.send("POST", path, json=body)).json())

    async def delete(self, path: str) -> None:
        """Removes what is at the path; NotFound where it is gone."""
        await self._http.send("DELETE", path)

    async def pages(
        self,
        path: str,
        items: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Record | None = None,
        bounds: Bounds = BOUNDS,
    ) -> AsyncIterator[Sequence[Any]]:
        """Page after page of a list (`query`) or of a search (`body`)."""

        async def fetch(cursor: str) -> tuple[Sequence[Any], str | None]:
            step = {"cursor": cursor} if cursor else {}
            if body is None:
                reply = await self.get(path, {**(query or {}), **step})
            else:
                reply = await self.ask(path, {**body, **step})
            return _listed(reply, items), str(reply["cursor"]) if reply.get("cursor") else None

        async for page in walk(fetch, "", bounds=bounds):
            yield page

    # --- what changed ------------------------------------------------------------------------

    async def locations(self) -> list[str]:
        """The ids of all locations: lists of payments are for one of them each."""
        found = _listed(await self.get(LOCATIONS), "locations")
        return [str(one["id"]) for one in found if isinstance(one, dict) and one.get("id")]

    def payments(self, location_id: str, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Payments of a location that changed since, oldest change first."""
        query = {**_changed(start), "location_id": location_id}
        return self.pages("/v2/payments", "payments", query=query)

    def refunds(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Refunds of all locations that changed since, oldest change first."""
        return self.pages("/v2/refunds", "refunds", query=_changed(start))

    def customers(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Customers that changed since, in the order in which they were made."""
        query = {
            "filter": {"updated_at": {"start_at": _text(start)}},
            "sort": {"field": "CREATED_AT", "order": "ASC"},
        }
        return self.pages("/v2/customers/search", "customers", body={"query": query, "limit": 100})

    def customers_made(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """All customers that were made since, in that order, which never changes."""
        query = {
            "filter": {"created_at": {"start_at": _text(start)}},
            "sort": {"field": "CREATED_AT", "order": "ASC"},
        }
        asked = {"query": query, "limit": 100}
        return self.pages("/v2/customers/search", "customers", body=asked, bounds=EVERYTHING)

    async def orders(
        self, location_ids: Sequence[str], start: datetime
    ) -> AsyncIterator[Sequence[Any]]:
        """Completed orders that changed since, oldest change first, ten locations at a time."""
        query = {
            "filter": {
                "state_filter": {"states": ["COMPLETED"]},
                "date_time_filter": {"updated_at": {"start_at": _text(start)}},
            },
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        }
        for first in range(0, len(location_ids), LOCATIONS_A_SEARCH):
            some = list(location_ids[first : first + LOCATIONS_A_SEARCH])
            body = {"location_ids": some, "query": query, "limit": 200}
            async for page in self.pages("/v2/orders/search", "orders", body=body):
                yield page

    def loyalty_events(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Loyalty events since, newest first: Square offers no other order."""
        times = {"date_time_filter": {"created_at": {"start_at": _text(start)}}}
        body = {"query": {"filter": times}, "limit": 30}
        return self.pages(f"{LOYALTY}/events/search", "events", body=body)

    async def loyalty_account(self, account_id: str) -> Record:
        """One loyalty account."""
        found = await self.get(f"{LOYALTY}/accounts/{quote(account_id, safe='')}")
        return _object(found.get("loyalty_account"))

    # --- the account -------------------------------------------------------------------------

    async def check(self) -> str:
        """The seller's locations in a sentence; AuthError where the token is refused."""
        found = _listed(await self.get(LOCATIONS), "locations")
        if not all(isinstance(one, dict) for one in found):
            raise ConnectorBug("Square's answer is not a list of locations")
        names = ", ".join(str(one.get("name", ""))[:40] for one in found[:3]) or "none yet"
        return f"The seller answers; locations: {names}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


def _object(found: Any) -> Record:
    if not isinstance(found, dict):
        raise ConnectorBug("Square's answer is not the object that was asked for")
    return found


def _listed(reply: Record, name: str) -> Sequence[Any]:
    found = reply.get(name) or []
    if not isinstance(found, list):
        raise ConnectorBug(f"Square's answer has no list of {name}")
    return found


def _changed(start: datetime) -> dict[str, str]:
    return {
        "updated_at_begin_time": _text(start),
        "sort_field": "UPDATED_AT",
        "sort_order": "ASC",
        "limit": "100",
    }


def _text(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """The first of Square's `errors`: category, code, detail and the field it is about."""
    try:
        errors = orjson.loads(body)["errors"]
        first = errors[0]
        code = str(first["code"])[:60]
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return None
    place = f", field {str(first['field'])[:60]}" if first.get("field") else ""
    says = f"{str(first.get('detail', ''))[:160]} ({code}{place})"
    if code == "IDEMPOTENCY_KEY_REUSED":
        return Conflict(
            f"Square knows this key with other content: {says}", vendor_code=code, status=status
        )
    if status == 400 and code in ("NOT_FOUND", "CUSTOMER_NOT_FOUND"):
        return NotFound(f"Square does not know this: {says}", vendor_code=code, status=status)
    return error_for_status(status, headers=headers, detail=says, writes=writes, vendor_code=code)
