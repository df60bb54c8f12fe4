"""SHOPLINE's Admin API: REST, and GraphQL for member points.

Follows https://developer.shopline.com/docs/admin-rest-api: JSON below a dated path, a bearer
token, pages linked by a `Link` header. Refusals of GraphQL come with status 200.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from connectors.kit.errors import ConnectorBug, InvalidRequest, OutcomeUnknown, ScopeError
from connectors.kit.http import TIMEOUT, HttpClient, HttpReply
from connectors.kit.paging import BOUNDS, Bounds, listed, next_link, same_host, walk
from connectors.kit.redact import without_people
from connectors.kit.webhook import Unreadable, decode_json
from connectors.shopline.account import ShoplineAccount
from connectors.shopline.version import ADMIN, GRAPHQL

PAGE_SIZE = 100


class ShoplineClient:
    """Speaks to one shop.

    Attributes:
        account: Its settings, of which the actions ask.
    """

    def __init__(self, account: ShoplineAccount, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        self.account = account
        self._http = HttpClient(
            account.api_url,
            headers={"Authorization": f"Bearer {account.access_token.get_secret_value()}"},
            timeout=timeout,
        )

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object that a resource holds."""
        return _object(await self._http.send("GET", f"{ADMIN}{path}", params=params))

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, writes: bool = True
    ) -> dict[str, Any]:
        """Writes, or searches by a body; what the vendor answers."""
        reply = await self._http.send(method, f"{ADMIN}{path}", json=body, writes=writes)
        return _object(reply) if reply.body.strip() else {}

    async def mutate(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The `data` of a mutation; what it refuses stands in `userErrors` of its fields.

        Raises:
            ConnectorError: Also where SHOPLINE answers 200 with errors in the body.
        """
        body = {"query": document, "variables": dict(variables)}
        reply = _object(await self._http.send("POST", GRAPHQL, json=body))
        if reply.get("errors"):
            raise _refusal(reply["errors"])
        data = reply.get("data")
        if not isinstance(data, dict):
            raise ConnectorBug("SHOPLINE answered without data and without errors")
        return data

    async def pages(
        self,
        path: str,
        items: str,
        params: Mapping[str, str] | None = None,
        *,
        bounds: Bounds = BOUNDS,
    ) -> AsyncIterator[Sequence[Any]]:
        """A list, page by page."""
        first = f"{ADMIN}{path}"

        async def fetch(step: str) -> tuple[Sequence[Any], str | None]:
            reply = await self._http.send("GET", step, params=params if step == first else None)
            following = next_link(reply.headers)
            here = self._http.url_of(step)
            return listed(_object(reply), items), following and same_host(here, following)

        async for page in walk(fetch, first, bounds=bounds):
            yield page

    async def changed(
        self, path: str, items: str, start: datetime, *, bounds: Bounds = BOUNDS
    ) -> AsyncIterator[Sequence[Any]]:
        """Orders or customers that changed since, in no order that is promised."""
        query = {"updated_at_min": start.isoformat(timespec="seconds"), "limit": str(PAGE_SIZE)}
        if items == "orders":
            query["status"] = "any"
        async for page in self.pages(path, items, query, bounds=bounds):
            yield page

    async def refunds(self, order_id: str) -> Sequence[Any]:
        """The refunds of one order, whole."""
        return listed(await self.get(f"/orders/{order_id}/refunds.json"), "refunds")

    async def check(self) -> str:
        """The shop's name in a sentence; AuthError where the token is refused."""
        found = (await self.get("/merchants/shop.json")).get("data")
        if not isinstance(found, dict):
            raise ConnectorBug("SHOPLINE's answer names no shop")
        return f"The shop {str(found.get('name', ''))[:100]!r} answers."

    async def aclose(self) -> None:
        """Closes the sockets."""
        await self._http.aclose()


def _object(reply: HttpReply) -> dict[str, Any]:
    """The object in an answer, its amounts exact: refunds tell theirs as numbers."""
    try:
        found = decode_json(reply.body)
    except Unreadable as error:
        raise ConnectorBug(f"SHOPLINE's answer: {error}", status=reply.status) from None
    if not isinstance(found, dict):
        raise ConnectorBug("SHOPLINE's answer is no object", status=reply.status)
    return found


def _refusal(errors: Any) -> InvalidRequest | OutcomeUnknown | ScopeError:
    first = errors[0] if isinstance(errors, list) else errors
    fields = first if isinstance(first, dict) else {"message": str(first)}
    says = without_people(str(fields.get("message", ""))[:200])
    extensions = fields.get("extensions")
    code = str(extensions.get("code", "")) if isinstance(extensions, dict) else ""
    if code == "ACCESS_DENIED":
        return ScopeError(f"the app lacks an access scope: {says}", vendor_code=code)
    if "INTERNAL" in code:
        return OutcomeUnknown(f"SHOPLINE failed in the middle: {says}", vendor_code=code)
    return InvalidRequest(f"SHOPLINE refuses it: {says}", vendor_code=code or None)
