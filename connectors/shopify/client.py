"""Shopify's GraphQL Admin API.

Follows https://shopify.dev/docs/api/admin-graphql: refusals come with status 200 and an
`errors` list, throttling among them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from connectors.kit.errors import (
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.http import TIMEOUT, HttpClient
from connectors.kit.redact import without_people
from connectors.shopify.account import ShopifyAccount

API_VERSION = "2026-07"
GRAPHQL = f"/admin/api/{API_VERSION}/graphql.json"


class ShopifyClient:
    """Speaks to one shop."""

    def __init__(self, account: ShopifyAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
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
        body = {"query": text, "variables": variables or {}}
        reply = (await self._http.send("POST", GRAPHQL, json=body, writes=False)).json()
        if isinstance(reply, dict) and reply.get("errors"):
            raise _refusal(reply)
        data = reply.get("data") if isinstance(reply, dict) else None
        if not isinstance(data, dict):
            raise ConnectorBug("Shopify answered without data and without errors")
        return data

    async def check(self) -> str:
        """The shop's name in a sentence; AuthError where the token is refused."""
        shop = (await self.query("{ shop { name } }")).get("shop")
        if not isinstance(shop, dict):
            raise ConnectorBug("Shopify's answer names no shop")
        return f"The shop {str(shop.get('name', ''))[:100]!r} answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


def _refusal(reply: dict[str, Any]) -> ConnectorError:
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
    if code == "INTERNAL_SERVER_ERROR":
        return Transient(f"Shopify failed and did nothing: {says}", vendor_code=code)
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
