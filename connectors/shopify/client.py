"""Shopify's GraphQL Admin API, and the REST resources that its webhooks are.

Follows https://shopify.dev/docs/api/admin-graphql: refusals come with status 200 and an
`errors` list, throttling among them; what a mutation refuses stands in its `userErrors`.
Orders and customers are polled as the (legacy) REST resources of
https://shopify.dev/docs/api/admin-rest, since the webhooks' bodies are the very same: nothing
can differ between the two ways a fact comes in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.paging import BOUNDS, Bounds, by_link, listed, walk
from connectors.kit.redact import without_people
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.version import ADMIN, GRAPHQL

PAGE_SIZE = 100


class ShopifyClient:
    """Speaks to one shop."""

    def __init__(self, account: ShopifyAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.namespace = account.metafield_namespace
        self._http = HttpClient(
            account.api_url,
            headers={"X-Shopify-Access-Token": account.access_token.get_secret_value()},
            timeout=timeout,
        )

    async def query(self, text: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The `data` of a reading query.

        Raises:
            ConnectorError: Also where Shopify answers 200 with errors in the body.
        """
        return await self._data(text, variables, writes=False)

    async def mutate(self, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of a mutation that did everything it was asked for.

        Raises:
            InvalidRequest: What it refuses stands in `userErrors`; Conflict where a code is
                taken, NotFound where the customer is not there.
        """
        data = await self._data(text, variables, writes=True)
        for payload in data.values():
            refused = payload.get("userErrors") if isinstance(payload, dict) else None
            if refused:
                raise _user_error(refused[0])
        return data

    async def pages(
        self, text: str, connection: str, variables: dict[str, Any] | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        """The nodes of a connection, page by page; the query takes `$first` and `$after`."""

        async def fetch(after: str) -> tuple[Sequence[Any], str | None]:
            given = {**(variables or {}), "first": PAGE_SIZE, "after": after or None}
            found = (await self.query(text, given)).get(connection)
            page = found.get("pageInfo", {}) if isinstance(found, dict) else {}
            return listed(found, "nodes"), page.get("endCursor") if page.get(
                "hasNextPage"
            ) else None

        async for nodes in walk(fetch, ""):
            yield nodes

    async def changed(
        self, resource: str, start: datetime, *, size: int = PAGE_SIZE, bounds: Bounds = BOUNDS
    ) -> AsyncIterator[Sequence[Any]]:
        """Orders or customers that changed since, oldest change first, as REST tells them.

        Args:
            size: Records of a page; REST gives 250 at most.
        """
        query = {
            "updated_at_min": start.isoformat(),
            "order": "updated_at asc",
            "limit": str(size),
        }
        if resource == "orders":
            query["status"] = "any"
        async for page in by_link(
            self._http, f"{ADMIN}/{resource}.json", items=resource, params=query, bounds=bounds
        ):
            yield page

    async def check(self) -> str:
        """The shop's name in a sentence; AuthError where the token is refused."""
        shop = (await self.query("{ shop { name } }")).get("shop")
        if not isinstance(shop, dict):
            raise ConnectorBug("Shopify's answer names no shop")
        return f"The shop {str(shop.get('name', ''))[:100]!r} answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()

    async def _data(
        self, text: str, variables: dict[str, Any] | None, *, writes: bool
    ) -> dict[str, Any]:
        body = {"query": text, "variables": variables or {}}
        reply = (await self._http.send("POST", GRAPHQL, json=body, writes=writes)).json()
        if isinstance(reply, dict) and reply.get("errors"):
            raise _refusal(reply, writes=writes)
        data = reply.get("data") if isinstance(reply, dict) else None
        if not isinstance(data, dict):
            raise ConnectorBug("Shopify answered without data and without errors")
        return data


def _user_error(error: Any) -> ConnectorError:
    fields = error if isinstance(error, dict) else {}
    code = str(fields.get("code") or "")
    says = without_people(str(fields.get("message", ""))[:200])
    place = ".".join(str(part) for part in fields.get("field") or ())
    text = f"Shopify refuses it: {says}" + (f" ({place})" if place else "")
    if code == "TAKEN":
        return Conflict(text, vendor_code=code)
    if code.endswith("NOT_FOUND") or "does not exist" in says:
        return NotFound(text, vendor_code=code)
    if code == "INTERNAL_ERROR":
        return OutcomeUnknown(text, vendor_code=code)
    return InvalidRequest(text, vendor_code=code or None)


def _refusal(reply: dict[str, Any], *, writes: bool) -> ConnectorError:
    errors = reply["errors"]
    first = errors[0] if isinstance(errors, list) else errors
    if not isinstance(first, dict):
        return InvalidRequest(f"Shopify refuses the query: {without_people(str(first)[:200])}")
    extensions = first.get("extensions")
    code = str(extensions.get("code", "")) if isinstance(extensions, dict) else ""
    says = without_people(str(first.get("message", ""))[:200])
    if code == "THROTTLED":
        wait = _until_affordable(reply.get("extensions"))
        return RateLimited(f"Shopify asks for a pause: {says}", retry_after=wait, vendor_code=code)
    if code == "ACCESS_DENIED":
        return ScopeError(f"the app lacks an access scope: {says}", vendor_code=code)
    if code == "INTERNAL_SERVER_ERROR" and writes:
        return OutcomeUnknown(f"Shopify failed in the middle: {says}", vendor_code=code)
    if code == "INTERNAL_SERVER_ERROR":
        return Transient(f"Shopify failed: {says}", vendor_code=code)
    return InvalidRequest(f"Shopify refuses the query: {says}", vendor_code=code or None)


def _until_affordable(extensions: Any) -> timedelta | None:
    """How long until the bucket holds what the query asked for, where Shopify says so."""
    try:
        cost = extensions["cost"]
        bucket = cost["throttleStatus"]
        missing = cost["requestedQueryCost"] - bucket["currentlyAvailable"]
        return timedelta(seconds=min(max(missing / bucket["restoreRate"], 0.0), 60.0))
    except (KeyError, TypeError, ZeroDivisionError):
        return None
