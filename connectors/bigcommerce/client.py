"""BigCommerce's REST Management API, versions 2 and 3.

Follows https://developer.bigcommerce.com/docs/rest-management: version 2 answers lists bare and
an empty one with 204; version 3 wraps them in `data` and `meta`. Numbers are read as Decimals.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from connectors.bigcommerce.account import BigCommerceAccount
from connectors.bigcommerce.payloads import moment
from connectors.kit.customers import EVERYTHING
from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    RateLimited,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import BOUNDS, Bounds, dig, listed, walk
from connectors.kit.redact import without_people

PAGE_SIZE = 100
CHUNK = 10
"""What BigCommerce takes in one write of customers or attribute values."""


class BigCommerceClient:
    """Speaks to one store."""

    def __init__(self, account: BigCommerceAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.currency = account.currency
        self.tags_attribute = account.tags_attribute
        self._http = HttpClient(
            account.api_url,
            headers={
                "X-Auth-Token": account.access_token.get_secret_value(),
                "Accept": "application/json",
            },
            timeout=timeout,
            explain=_explain,
        )

    # --- what changed ------------------------------------------------------------------------

    async def changed_orders(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Orders that changed since, oldest change first.

        An order that changes meanwhile moves to the end, and all behind it move up a place. So
        a full page is followed by what changed since its last order, not by the next number.
        """

        async def fetch(step: tuple[str, int]) -> tuple[Sequence[Any], tuple[str, int] | None]:
            since, page = step
            query = {"min_date_modified": since, "sort": "date_modified:asc"}
            found = await self._bare("/v2/orders", {**query, **_page(page)})
            if len(found) < PAGE_SIZE:
                return found, None
            last = _modified(found[-1])
            return found, (since, page + 1) if last in (since, None) else (str(last), 1)

        async for page in walk(fetch, (start.astimezone(UTC).isoformat(), 1)):
            yield page

    async def changed_customers(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """Customers that changed since, oldest change first."""
        query = {"date_modified:min": start.astimezone(UTC).isoformat()}
        async for page in self._pages("/v3/customers", {**query, "sort": "date_modified:asc"}):
            yield page

    async def customers_made(self, start: datetime) -> AsyncIterator[Sequence[Any]]:
        """All customers that were made since, in that order, which never changes."""
        query = {"date_created:min": start.astimezone(UTC).isoformat(), "sort": "date_created:asc"}
        async for page in self._pages("/v3/customers", query, bounds=EVERYTHING):
            yield page

    async def order_products(self, order_id: str) -> Sequence[Any]:
        """The lines of an order."""
        path = f"/v2/orders/{quote(order_id, safe='')}/products"
        return [one async for page in self._bare_pages(path) for one in page]

    async def order_coupons(self, order_id: str) -> Sequence[Any]:
        """The coupons that were used on an order."""
        return await self._bare(f"/v2/orders/{quote(order_id, safe='')}/coupons", _page(1))

    async def refunds(self, order_ids: Sequence[str]) -> list[Any]:
        """Every refund of these orders."""
        found: list[Any] = []
        for first in range(0, len(order_ids), 50):
            query = {"order_id:in": ",".join(order_ids[first : first + 50])}
            async for page in self._pages("/v3/orders/payment_actions/refunds", query):
                found += page
        return found

    # --- customers ---------------------------------------------------------------------------

    async def customers(self, **query: str) -> Sequence[Any]:
        """Customers by `id`, `email` or `phone`."""
        asked = {f"{name}:in": value for name, value in query.items() if name != "include"}
        if "include" in query:
            asked["include"] = query["include"]
        reply = await self._http.send("GET", "/v3/customers", params=asked)
        return listed(reply.exact_json(), "data")

    async def write_customers(self, records: Sequence[dict[str, Any]]) -> Sequence[Any]:
        """Changes up to ten customers."""
        return listed(
            (await self._http.send("PUT", "/v3/customers", json=list(records))).exact_json(), "data"
        )

    async def attributes(self) -> dict[str, int]:
        """The ids of the customer attributes, by name."""
        pages = self._pages("/v3/customers/attributes", {})
        return {str(one["name"]): int(one["id"]) async for page in pages for one in page}

    async def create_attribute(self, name: str) -> int:
        """Makes a customer attribute for text."""
        body = [{"name": name, "type": "string"}]
        reply = (await self._http.send("POST", "/v3/customers/attributes", json=body)).exact_json()
        (made,) = listed(reply, "data")
        return int(made["id"])

    async def attribute_values(self, customer_id: str) -> Sequence[Any]:
        """What the attributes of a customer hold."""
        query = {"customer_id:in": customer_id}
        pages = self._pages("/v3/customers/attribute-values", query)
        return [one async for page in pages for one in page]

    async def write_attribute_values(self, values: Sequence[dict[str, Any]]) -> None:
        """Writes attribute values, ten in a call."""
        for first in range(0, len(values), CHUNK):
            body = list(values[first : first + CHUNK])
            await self._http.send("PUT", "/v3/customers/attribute-values", json=body)

    async def delete_attribute_values(self, ids: Sequence[int]) -> None:
        """Removes attribute values."""
        query = {"id:in": ",".join(str(one) for one in ids)}
        await self._http.send("DELETE", "/v3/customers/attribute-values", params=query)

    # --- coupons and webhooks ----------------------------------------------------------------

    async def coupons(self, code: str) -> Sequence[Any]:
        """The coupons with this code: one or none."""
        return await self._bare("/v2/coupons", {"code": code})

    async def create_coupon(self, coupon: dict[str, Any]) -> dict[str, Any]:
        """Makes a coupon."""
        return _object((await self._http.send("POST", "/v2/coupons", json=coupon)).exact_json())

    async def change_coupon(self, coupon_id: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Changes a coupon; NotFound where it is gone."""
        path = f"/v2/coupons/{coupon_id}"
        return _object((await self._http.send("PUT", path, json=changes)).exact_json())

    async def hooks(self) -> Sequence[Any]:
        """Every webhook of the API account."""
        return [one async for page in self._pages("/v3/hooks", {}) for one in page]

    async def create_hook(self, scope: str, destination: str) -> dict[str, Any]:
        """Registers an address for a scope."""
        body = {"scope": scope, "destination": destination, "is_active": True}
        reply = (await self._http.send("POST", "/v3/hooks", json=body)).exact_json()
        return _object(dig(reply, "data"))

    async def delete_hook(self, hook_id: str) -> None:
        """Removes one; NotFound where it is gone."""
        await self._http.send("DELETE", f"/v3/hooks/{quote(hook_id, safe='')}")

    async def check(self) -> str:
        """How many customers the store has, in a sentence; AuthError for a refused token."""
        reply = await self._http.send("GET", "/v3/customers", params={"limit": "1"})
        total = dig(reply.exact_json(), "meta.pagination.total")
        if type(total) is not int:
            raise ConnectorBug("BigCommerce does not say how many customers there are")
        return f"The store answers: it has {total} customers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    # --- pages -------------------------------------------------------------------------------

    async def _bare(self, path: str, query: Mapping[str, str]) -> Sequence[Any]:
        reply = await self._http.send("GET", path, params=query)
        return [] if reply.status == 204 else listed(reply.exact_json(), "")

    async def _bare_pages(self, path: str) -> AsyncIterator[Sequence[Any]]:
        async def fetch(step: int) -> tuple[Sequence[Any], int | None]:
            found = await self._bare(path, _page(step))
            return found, step + 1 if len(found) >= PAGE_SIZE else None

        async for page in walk(fetch, 1):
            yield page

    async def _pages(
        self, path: str, query: Mapping[str, str], *, bounds: Bounds = BOUNDS
    ) -> AsyncIterator[Sequence[Any]]:
        async def fetch(step: int) -> tuple[Sequence[Any], int | None]:
            sent = await self._http.send("GET", path, params={**query, **_page(step)})
            reply = sent.exact_json()
            last = dig(reply, "meta.pagination.total_pages")
            found = listed(reply, "data")
            is_last = step >= last if type(last) is int else len(found) < PAGE_SIZE
            return found, None if is_last else step + 1

        async for page in walk(fetch, 1, bounds=bounds):
            yield page


def _page(number: int) -> dict[str, str]:
    return {"page": str(number), "limit": str(PAGE_SIZE)}


def _modified(order: Any) -> str | None:
    found = moment(order.get("date_modified")) if isinstance(order, dict) else None
    return found.astimezone(UTC).isoformat() if isinstance(found, datetime) else None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConnectorBug("BigCommerce's answer is not an object")
    return value


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """The pause that its own header names, and what its two kinds of error bodies say."""
    if status == 429:
        given = next(
            (v for k, v in headers.items() if k.lower() == "x-rate-limit-time-reset-ms"), ""
        )
        if given.isdigit():
            wait = timedelta(milliseconds=min(int(given), 3_600_000))
            return RateLimited("BigCommerce asks for a pause", retry_after=wait, status=status)
        return None
    if status not in (400, 409, 422):
        return None
    says = _said(body)
    if not says:
        return None
    kind = Conflict if status == 409 or "duplicate" in says.lower() else InvalidRequest
    return kind(f"BigCommerce refuses it: {says}", status=status)


def _said(body: bytes) -> str:
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    first = reply[0] if isinstance(reply, list) and reply else reply
    if not isinstance(first, dict):
        return ""
    errors = first.get("errors")
    parts = [first.get("title") or first.get("message")]
    parts += list(errors.values()) if isinstance(errors, dict) else []
    told = "; ".join(str(part) for part in parts if isinstance(part, str))
    return without_people(told[:300])
