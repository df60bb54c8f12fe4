"""A stand-in for a Shopify shop: GraphQL, the resources that are polled, signed webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import GiftCardEnd, StoreCreditEnd
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Bucket, Window
from connectors.shopify.stand_in import OLD_CARD, OLD_GRANT, StandInShop
from connectors.shopify.triggers import WEBHOOK
from connectors.shopify.version import ADMIN, API_VERSION, GRAPHQL

SANDBOX_ACCOUNT = {
    "shop_domain": "aroma-house.myshopify.com",
    "access_token": "sandbox-shopify-token",
    "client_secret": "sandbox-shopify-client-secret",
}


class ShopifySandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Args:
        points: What the query bucket gives back each second; a query costs one point.
        page_size: Records of a REST page; None for as many as are asked for, 250 at most.

    Attributes:
        resources: What polling finds: `orders` and `customers`, as REST tells them.
    """

    slug = "shopify"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar = {
        "disable_gift_card": (GiftCardEnd(code="GIFT47000815", issued_id=OLD_CARD),),
        "take_store_credit": (
            StoreCreditEnd(
                customer_id="7001", amount=Decimal("5.00"), currency="EUR", issued_id=OLD_GRANT
            ),
        ),
    }

    def __init__(self, *, points: int = 1000, page_size: int | None = 1) -> None:
        super().__init__()
        self._page_size = page_size
        # shopify.dev/docs/api/admin-rest/usage/rate-limits: the Standard plan.
        self._rest = Bucket(40, 2.0)
        self._walks: dict[str, list[dict[str, Any]]] = {}
        self._points = points
        self._window = Window(points, 1.0)
        self.shop = StandInShop(self)
        self.resources: dict[str, list[dict[str, Any]]] = {"orders": [], "customers": []}

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route(GRAPHQL, self._graphql, methods=["POST"]),
            Route(f"{ADMIN}/{{resource}}.json", self._changed, methods=["GET"]),
        ]

    async def _graphql(self, request: Request) -> Response:
        if refused := self._unauthorised(request):
            return refused
        if self._window.take():
            return self._refusal("Throttled", "THROTTLED", available=0)
        asked = await request.json()
        query = asked.get("query")
        data = self.shop.answer(query, asked.get("variables") or {}) if query else None
        if data is None:
            return self._refusal("Query is not part of the sandbox", "undefinedField")
        return JSONResponse({"data": data, "extensions": self._cost()})

    async def _changed(self, request: Request) -> Response:
        """Oldest change first; a link to the next page goes through what the first one found."""
        if refused := self._unauthorised(request):
            return refused
        if wait := self._rest.take():
            self.record("refused", path=request.url.path, status=429)
            refusal = "Exceeded 2 calls per second for api client."
            headers = {"Retry-After": f"{wait:.1f}"}
            return JSONResponse({"errors": refusal}, status_code=429, headers=headers)
        asked = request.query_params
        size = self._page_size or min(int(asked.get("limit", 50)), 250)
        walk, place = asked.get("page_info") or self._begin(request), int(asked.get("place", 0))
        found = self._walks[walk]
        address = request.url.replace(query=None)
        links = [
            f'<{address.include_query_params(page_info=walk, place=to, limit=size)}>; rel="{name}"'
            for to, name in ((place - size, "previous"), (place + size, "next"))
            if 0 <= to < len(found)
        ]
        headers = {"Link": ", ".join(links)} if links else {}
        resource = request.path_params["resource"]
        return JSONResponse({resource: found[place : place + size]}, headers=headers)

    def _begin(self, request: Request) -> str:
        since = datetime.fromisoformat(request.query_params["updated_at_min"])
        records = self.resources.get(request.path_params["resource"], ())
        found = [one for one in records if datetime.fromisoformat(one["updated_at"]) >= since]
        walk = f"walk-{len(self._walks) + 1}"
        self._walks[walk] = sorted(found, key=lambda one: str(one["updated_at"]))
        return walk

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Mila signs up and orders twice; one order is cancelled, of the other some goes back."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        times = [(at + timedelta(minutes=minute)).isoformat() for minute in (0, 5, 10, 20)]
        mila = {"id": 7001, "email": "mila.brandt@shop.example", "first_name": "Mila"}
        mila |= {"created_at": times[0], "updated_at": times[0]}
        first, second = _order(4501, mila, times[1]), _order(4502, mila, times[1])
        refund = _refund(4501, times[2])
        changed = {**first, "updated_at": times[2], "financial_status": "partially_refunded"}
        changed["refunds"] = [refund]
        cancelled = {**second, "cancelled_at": times[3], "updated_at": times[3]}
        self.resources = {"customers": [mila], "orders": [changed, cancelled]}
        return [
            ("customers/create", mila),
            ("orders/paid", first),
            ("orders/paid", second),
            ("refunds/create", refund),
            ("orders/updated", changed),
            ("orders/cancelled", cancelled),
        ]

    def _unauthorised(self, request: Request) -> Response | None:
        if request.headers.get("X-Shopify-Access-Token") == SANDBOX_ACCOUNT["access_token"]:
            return None
        refusal = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return JSONResponse({"errors": refusal}, status_code=401)

    def _refusal(self, message: str, code: str, available: int | None = None) -> Response:
        error = {"message": message, "extensions": {"code": code}}
        return JSONResponse({"errors": [error], "extensions": self._cost(available)})

    def _cost(self, available: int | None = None) -> dict[str, Any]:
        status = {
            "maximumAvailable": float(self._points),
            "currentlyAvailable": self._points if available is None else available,
            "restoreRate": float(self._points),
        }
        return {"cost": {"requestedQueryCost": 1, "actualQueryCost": 1, "throttleStatus": status}}

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {
            "x-shopify-topic": topic,
            "x-shopify-webhook-id": delivery_id,
            "x-shopify-api-version": API_VERSION,
        }


def _order(number: int, customer: dict[str, Any], when: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"#{number - 3500}",
        "currency": "EUR",
        "financial_status": "paid",
        "created_at": when,
        "processed_at": when,
        "updated_at": when,
        "total_price": "24.00",
        "customer": customer,
        "line_items": [{"id": number * 10, "title": "Sencha", "quantity": 2, "price": "12.00"}],
    }


def _refund(order: int, when: str) -> dict[str, Any]:
    line = {"line_item_id": order * 10, "quantity": 1, "subtotal": "12.00", "total_tax": "0.00"}
    money = {"kind": "refund", "status": "success", "amount": "12.00", "currency": "EUR"}
    return {
        "id": order * 100,
        "order_id": order,
        "created_at": when,
        "processed_at": when,
        "refund_line_items": [line],
        "transactions": [money],
    }
