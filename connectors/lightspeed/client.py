"""Lightspeed Retail's API.

Follows https://x-series-api.lightspeedhq.com: everything that is listed carries a `version`
that grows with each change, so that asking for what came after a version is asking for what
changed. Numbers are read as Decimals, never as floats.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from connectors.kit.errors import ConnectorBug
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.oauth import TokenGrant, TokenKeeper, TokenStore
from connectors.kit.paging import Bounds, dig, listed, walk
from connectors.lightspeed.account import LightspeedAccount
from connectors.lightspeed.version import API, TOKEN

PAGE_SIZE = 200
BOUNDS = Bounds(pages=10_000, items=2_000_000)
"""A chain of shops has millions of sales; the cursor is kept after every page."""


class LightspeedClient:
    """Speaks to one retailer's store."""

    def __init__(
        self,
        account: LightspeedAccount,
        tokens: TokenStore | None = None,
        *,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.custom_fields = account.custom_fields
        self.point_value = account.point_value
        headers = {"User-Agent": "LoyaltyHub"}
        keeper = None
        if account.personal_token is not None:
            headers["Authorization"] = f"Bearer {account.personal_token.get_secret_value()}"
        else:
            assert account.client_secret is not None
            url = f"{account.api_url}{TOKEN}"
            grant = TokenGrant(
                url,
                account.client_id,
                account.client_secret,
                account.refresh_token,
                timeout=timeout,
            )
            keeper = TokenKeeper(grant, tokens)
        self._http = HttpClient(account.api_url, headers=headers, auth=keeper, timeout=timeout)

    async def changed(self, resource: str, after: int) -> AsyncIterator[Sequence[Any]]:
        """What changed after a version, oldest change first; the last page is empty."""

        async def fetch(step: int) -> tuple[Sequence[Any], int | None]:
            query = {"after": str(step), "page_size": str(PAGE_SIZE)}
            reply = (await self._http.send("GET", f"{API}/{resource}", params=query)).exact_json()
            found = listed(reply, "data")
            return found, version_of(reply, "version.max") if found else None

        async for page in walk(fetch, after, bounds=BOUNDS):
            yield page

    async def first_after(self, resource: str, after: int) -> dict[str, Any] | None:
        """The one that changed next after a version; None where nothing did."""
        query = {"after": str(after), "page_size": "1"}
        reply = (await self._http.send("GET", f"{API}/{resource}", params=query)).exact_json()
        found = listed(reply, "data")
        return _object(found[0], "record") if found else None

    async def retailer(self) -> dict[str, Any]:
        """The retailer, with name and currency."""
        return await self._one("GET", "/retailer")

    async def check(self) -> str:
        """The retailer's name in a sentence; AuthError where the token is refused."""
        name = str((await self.retailer()).get("name") or "")[:100]
        return f"The store of {name!r} answers."

    # --- customers ---------------------------------------------------------------------------

    async def customers(self, attribute: str, value: str) -> Sequence[Any]:
        """Customers found by e-mail, mobile, phone or customer_code."""
        query = {"type": "customers", attribute: value, "page_size": "100"}
        return listed(
            (await self._http.send("GET", f"{API}/search", params=query)).exact_json(), "data"
        )

    async def customer(self, customer_id: str) -> dict[str, Any]:
        """One customer; NotFound where there is none."""
        return await self._one("GET", f"/customers/{quote(customer_id, safe='')}")

    async def write_customer(self, fields: dict[str, Any], customer_id: str = "") -> dict[str, Any]:
        """Creates a customer, or writes one that is there."""
        if customer_id:
            return await self._one("PUT", f"/customers/{quote(customer_id, safe='')}", fields)
        return await self._one("POST", "/customers", fields)

    async def groups(self) -> Sequence[Any]:
        """Every customer group."""
        return [one async for page in self.changed("customer_groups", 0) for one in page]

    async def put_in_group(self, group_id: str, customer_id: str, *, is_member: bool) -> None:
        """Puts a customer into a group, or takes them out."""
        method = "POST" if is_member else "DELETE"
        path = f"{API}/customer_groups/{quote(group_id, safe='')}/customers"
        await self._http.send(method, path, json={"customer_ids": [customer_id]})

    async def adjust_loyalty(self, session_id: str, adjustment: dict[str, Any]) -> dict[str, Any]:
        """Books one change of a loyalty balance; the same session twice is booked once."""
        body = {"session_id": session_id, "adjustments": [adjustment]}
        path = f"{API}/loyalty/adjustments/bulk"
        return _object((await self._http.send("POST", path, json=body)).exact_json(), "answer")

    # --- webhooks ----------------------------------------------------------------------------

    async def webhooks(self) -> Sequence[Any]:
        """Every webhook of the application."""
        return listed((await self._http.send("GET", f"{API}/webhooks")).exact_json(), "data")

    async def create_webhook(self, kind: str, url: str) -> dict[str, Any]:
        """Registers an address for one kind of event."""
        return await self._one("POST", "/webhooks", {"url": url, "type": kind, "active": True})

    async def delete_webhook(self, webhook_id: str) -> None:
        """Removes one; NotFound where it is gone."""
        await self._http.send("DELETE", f"{API}/webhooks/{quote(webhook_id, safe='')}")

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _one(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        reply = await self._http.send(method, f"{API}{path}", json=body)
        return _object(dig(reply.exact_json(), "data"), "record")


def version_of(record: Any, place: str = "version") -> int:
    """The version of a record or page; ConnectorBug where it is not a whole number."""
    found = dig(record, place)
    if type(found) is not int:
        raise ConnectorBug(f"Lightspeed's answer has no whole number at {place}")
    return found


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConnectorBug(f"Lightspeed's {what} is not an object")
    return value
