"""WooCommerce's REST API (wc/v3).

Follows https://woocommerce.github.io/woocommerce-rest-api-docs. Key and secret travel as HTTP
Basic, which is for https only: over plain http WooCommerce itself asks for OAuth 1.0a.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import orjson

from connectors.kit.customers import EVERYTHING
from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    NotFound,
    ScopeError,
)
from connectors.kit.http import TIMEOUT, HttpClient, HttpReply
from connectors.kit.http_errors import error_for_status
from connectors.kit.paging import by_page, listed
from connectors.kit.redact import without_people
from connectors.woocommerce.account import WooCommerceAccount
from connectors.woocommerce.records import API, Record

PAGE_SIZE = 100
"""The most that WooCommerce gives in a page."""


class WooCommerceClient:
    """Speaks to one shop."""

    def __init__(self, account: WooCommerceAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        key = account.consumer_key.get_secret_value()
        secret = account.consumer_secret.get_secret_value()
        basic = b64encode(f"{key}:{secret}".encode()).decode("ascii")
        self.currency = account.currency
        self.meta_prefix = account.meta_prefix
        self.webhook_secret = account.webhook_secret
        self._site = account.base_url
        self._http = HttpClient(
            account.base_url,
            headers={"Authorization": f"Basic {basic}"},
            timeout=timeout,
            explain=_explain,
        )

    # --- what changed ------------------------------------------------------------------------

    async def newest(
        self, resource: str, params: Mapping[str, str]
    ) -> AsyncIterator[Sequence[Any]]:
        """Orders or customers, newest first by what `orderby` names, for as long as one asks.

        Newest first on purpose: what changes during the walk moves to the front, and all that
        stood before it one place down, so that a page may repeat a record but never miss one.
        """
        query = {**params, "order": "desc"}
        async for page in by_page(
            self._http, f"{API}/{resource}", per_page=PAGE_SIZE, params=query
        ):
            yield page

    async def customers_from(self, page: int) -> AsyncIterator[Sequence[Any]]:
        """All customers in the order of their ids, from a page on: newcomers come at the end."""
        query = {"orderby": "id", "order": "asc", "role": "all"}
        path = f"{API}/customers"
        async for one in by_page(
            self._http, path, per_page=PAGE_SIZE, first=page, params=query, bounds=EVERYTHING
        ):
            yield one

    # --- customers and coupons ---------------------------------------------------------------

    async def customer(self, customer_id: str) -> Record:
        """One customer; NotFound where there is none."""
        return _record(await self._http.send("GET", f"{API}/customers/{customer_id}"))

    async def customers(self, email: str) -> Sequence[Any]:
        """The customers with this address, whatever their role: one or none."""
        query = {"email": email, "role": "all"}
        return _list(await self._http.send("GET", f"{API}/customers", params=query))

    async def write_customer(self, customer_id: str, changes: Record) -> Record:
        """Changes a customer."""
        path = f"{API}/customers/{customer_id}"
        return _record(await self._http.send("PUT", path, json=changes))

    async def coupons(self, code: str) -> Sequence[Any]:
        """The coupons with this code: one or none."""
        reply = await self._http.send("GET", f"{API}/coupons", params={"code": code})
        return _list(reply)

    async def create_coupon(self, coupon: Record) -> Record:
        """Makes a coupon; Conflict where the code is taken."""
        return _record(await self._http.send("POST", f"{API}/coupons", json=coupon))

    async def write_coupon(self, coupon_id: str, changes: Record) -> Record:
        """Changes a coupon; NotFound where it is gone."""
        path = f"{API}/coupons/{coupon_id}"
        return _record(await self._http.send("PUT", path, json=changes))

    # --- webhooks ----------------------------------------------------------------------------

    async def webhooks(self) -> Sequence[Any]:
        """Every webhook of the shop, ours and others'."""
        pages = by_page(self._http, f"{API}/webhooks", per_page=PAGE_SIZE)
        return [one async for page in pages for one in page]

    async def create_webhook(self, webhook: Record) -> Record:
        """Makes a webhook."""
        return _record(await self._http.send("POST", f"{API}/webhooks", json=webhook))

    async def delete_webhook(self, webhook_id: str) -> None:
        """Removes a webhook; NotFound where it is gone."""
        query = {"force": "true"}
        await self._http.send("DELETE", f"{API}/webhooks/{webhook_id}", params=query)

    async def check(self) -> str:
        """That the shop answers, in a sentence; AuthError where the key is refused."""
        reply = await self._http.send("GET", f"{API}/orders", params={"per_page": "1"})
        orders = _list(reply)
        if not all(isinstance(one, dict) for one in orders):
            raise ConnectorBug("WooCommerce's answer lists no orders: is the address a shop's?")
        newest = str(orders[0].get("number", ""))[:40] if orders else ""
        told = f"its newest order is number {newest}" if newest else "it has no orders yet"
        return f"The shop at {self._site} answers; {told}."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


def _record(reply: HttpReply) -> Record:
    found = reply.exact_json()
    if not isinstance(found, dict):
        raise ConnectorBug("WooCommerce's answer is not the object that was asked for")
    return found


def _list(reply: HttpReply) -> Sequence[Any]:
    return listed(reply.exact_json(), "")


# --- refusals --------------------------------------------------------------------------------


def _explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """WooCommerce's own refusal: `{"code": "woocommerce_rest_…", "message": …}`.

    A key that may only read is refused with 401, like a wrong one; the message alone tells
    them apart, where the shop speaks English.
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    code = told.get("code") if isinstance(told, dict) else None
    if not isinstance(code, str):
        return None
    says = without_people(str(told.get("message", ""))[:200])
    known: dict[str, Any] = {"vendor_code": code[:100], "status": status}
    if status == 401 and code == "woocommerce_rest_authentication_error" and "permission" in says:
        return ScopeError(f"the REST API key lacks a permission: {says}", **known)
    if status in (400, 409) and code.endswith("coupon_code_already_exists"):
        return Conflict(f"the shop has a coupon with this code already: {says}", **known)
    if status == 400 and code.endswith("_invalid_id"):
        return NotFound(f"the shop does not know this id: {says}", **known)
    return error_for_status(
        status, headers=headers, detail=f"{says} ({code[:100]})", writes=writes,
        vendor_code=code[:100],
    )  # fmt: skip
