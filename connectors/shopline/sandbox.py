"""A stand-in for a SHOPLINE shop: REST, points by GraphQL, signed webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.shopline.stand_in import customer, order, refund
from connectors.shopline.triggers import WEBHOOK
from connectors.shopline.version import ADMIN, API_VERSION, GRAPHQL

SANDBOX_ACCOUNT = {
    "shop_domain": "aroma-house.myshopline.com",
    "access_token": "sandbox-shopline-token",
    "app_secret": "sandbox-shopline-app-secret",
}
GID = "gid://shopline/Customer/"


class ShoplineSandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Args:
        calls: How many a second it lets pass.

    Attributes:
        customers: By id; Mila is there, and changed long ago.
        points: Member points, by the customer's id.
    """

    slug = "shopline"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(601)
        long_ago = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="seconds")
        mila = customer("7001", "mila.brandt@shop.example", long_ago)
        self.customers: dict[str, dict[str, Any]] = {"7001": mila}
        self.orders: list[dict[str, Any]] = []
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.points: dict[str, int] = {"7001": 500}
        self.rules: dict[str, dict[str, Any]] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.webhooks: dict[int, dict[str, Any]] = {}
        self._changes: set[str] = set()

    def routes(self) -> Sequence[BaseRoute]:
        rules = "/sales/price_rules"
        places: list[tuple[str, Callable[[Request], Any], str]] = [
            ("/merchants/shop.json", self._shop, "GET"),
            ("/v2/customers.json", self._customers, "GET"),
            ("/customers/query_user_by_email.json", self._by_email, "POST"),
            ("/customers/v2/search.json", self._search, "GET"),
            ("/customers/v2/{id}.json", self._customer, "GET"),
            ("/customers/{id}.json", self._update, "PUT"),
            ("/orders.json", self._orders, "GET"),
            ("/orders/{id}/refunds.json", self._refunds, "GET"),
            ("/sales/discount_codes/lookup.json", self._lookup, "GET"),
            (f"{rules}.json", self._rule, "POST"),
            (f"{rules}/{{id}}.json", self._no_rule, "DELETE"),
            (f"{rules}/{{id}}/discount_codes.json", self._code, "POST"),
            ("/webhooks.json", self._listed, "GET"),
            ("/webhooks.json", self._subscribe, "POST"),
            ("/{id}/webhooks.json", self._unsubscribe, "DELETE"),
        ]
        routes = [
            Route(f"{ADMIN}{path}", self._guarded(answer), methods=[verb])
            for path, answer, verb in places
        ]
        return [Route(GRAPHQL, self._guarded(self._graphql), methods=["POST"]), *routes]

    def _guarded(self, answer: Callable[[Request], Any]) -> Any:
        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization")
            if given != f"Bearer {SANDBOX_ACCOUNT['access_token']}":
                return _refused(401, "Unauthorized")
            if self._window.take():
                return _refused(429, "Too many request")
            found: Response = await answer(request)
            return found

        return guarded

    async def _shop(self, request: Request) -> Response:
        return JSONResponse({"data": {"name": "Aroma House", "currency": "EUR"}})

    async def _customers(self, request: Request) -> Response:
        return _changed("customers", list(self.customers.values()), request)

    async def _orders(self, request: Request) -> Response:
        return _changed("orders", self.orders, request)

    async def _refunds(self, request: Request) -> Response:
        return JSONResponse({"refunds": self.refunds.get(request.path_params["id"], [])})

    async def _by_email(self, request: Request) -> Response:
        email = (await request.json()).get("email", "").lower()
        found = [one for one in self.customers.values() if one["email"] == email]
        return JSONResponse({"customer": found[0] if found else None})

    async def _search(self, request: Request) -> Response:
        """A loose search, as the vendor's: whoever has some of the digits."""
        asked = request.query_params.get("query_param", "")[-4:]
        found = [one for one in self.customers.values() if asked in one["phone"]]
        return JSONResponse({"customers": found})

    async def _customer(self, request: Request) -> Response:
        found = self.customers.get(request.path_params["id"])
        return JSONResponse({"customer": found}) if found else _refused(404, "Not found")

    async def _update(self, request: Request) -> Response:
        found = self.customers.get(request.path_params["id"])
        if found is None:
            return _refused(404, "Not found")
        given = (await request.json())["customer"]
        found |= given
        self.record("customer", id=found["id"], **given)
        return JSONResponse({"customer": found})

    async def _lookup(self, request: Request) -> Response:
        found = self.codes.get(request.query_params.get("code", "").lower())
        return JSONResponse({"discount_code": found}) if found else _refused(404, "Not found")

    async def _rule(self, request: Request) -> Response:
        given = (await request.json()).get("price_rule") or {}
        if not given.get("title") or not given.get("prerequisite_customer_ids"):
            return _refused(422, "title and customers are required")
        if given["value_type"] == "percentage" and not 0 < Decimal(given["value"]) <= 100:
            return _refused(422, "value must be between 0 and 100")
        made = {**given, "id": f"60186{next(self._numbers)}"}
        self.rules[made["id"]] = made
        return JSONResponse({"price_rule": made})

    async def _no_rule(self, request: Request) -> Response:
        gone = self.rules.pop(request.path_params["id"], None)
        return Response(status_code=200) if gone else _refused(404, "Not found")

    async def _code(self, request: Request) -> Response:
        given = (await request.json()).get("discount_code") or {}
        identity = request.path_params["id"]
        if identity not in self.rules or not given.get("code"):
            return _refused(404, "Not found")
        if given["code"].lower() in self.codes:
            return _refused(422, "code must be unique")
        made = {"id": f"60187{next(self._numbers)}", "price_rule_id": identity, "usage_count": 0}
        made["code"] = given["code"]
        self.codes[given["code"].lower()] = made
        self.record("coupon", rule=self.rules[identity], **made)
        return JSONResponse({"discount_code": made})

    async def _graphql(self, request: Request) -> Response:
        """Points only; a change of a name that was there before is not made again."""
        asked = await request.json()
        given = (asked.get("variables") or {}).get("input")
        if "pointsUpdate" not in asked.get("query", "") or not given:
            return JSONResponse({"errors": [{"message": "Query is not part of the sandbox"}]})
        identity = given["customerId"].removeprefix(GID)
        sign = 1 if given["pointsUpdateType"] == "INCREASE" else -1
        after = self.points.get(identity, 0) + sign * int(given["updatedValue"])
        problem = ""
        if identity not in self.points:
            problem = "customer does not exist"
        elif given["businessId"] not in self._changes and after < 0:
            problem = "the customer has not enough points"
        if problem:
            errors = [{"field": ["input"], "message": problem}]
            return JSONResponse({"data": {"pointsUpdate": {"userErrors": errors}}})
        if given["businessId"] not in self._changes:
            self._changes.add(given["businessId"])
            self.points[identity] = after
            self.record("points", **given)
        return JSONResponse({"data": {"pointsUpdate": {"userErrors": []}}})

    async def _listed(self, request: Request) -> Response:
        """Two a page, whatever is asked for, so that links have to be followed."""
        return _page("webhooks", list(self.webhooks.values()), request, size=2)

    async def _subscribe(self, request: Request) -> Response:
        given = (await request.json())["webhook"]
        same = [(one["topic"], one["address"]) for one in self.webhooks.values()]
        if (given["topic"], given["address"]) in same or given["topic"] not in WEBHOOK.triggers:
            return _refused(422, "topic or address is not valid")
        made = {**given, "id": next(self._numbers)}
        self.webhooks[made["id"]] = made
        return JSONResponse({"webhook": made})

    async def _unsubscribe(self, request: Request) -> Response:
        gone = self.webhooks.pop(int(request.path_params["id"]), None)
        return Response(status_code=200) if gone else _refused(404, "Not found")

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Jonas signs up; Mila orders twice, sends one packet back and cancels the other order."""
        at = datetime.now(UTC) - timedelta(hours=2)
        times = [
            (at + timedelta(minutes=minute)).isoformat(timespec="seconds")
            for minute in (0, 5, 10, 20)
        ]
        jonas = customer("7002", "jonas.weber@shop.example", times[0])
        self.customers["7002"] = jonas
        mila = self.customers["7001"] | {"last_name": "Brandt-Weber", "updated_at": times[1]}
        self.customers["7001"] = mila
        first, second = order("21057168", mila, times[1]), order("21057169", mila, times[1])
        back = refund(first, times[2])
        changed = {**first, "updated_at": times[2], "financial_status": "partially_refunded"}
        changed |= {"current_total_price": "12.00", "current_subtotal_price": "12.00"}
        changed["refunds"] = [back]
        cancelled = {**second, "cancelled_at": times[3], "updated_at": times[3]}
        self.orders = [cancelled, changed]
        self.refunds[first["id"]] = [back]
        return [
            ("customers/create", jonas),
            ("customers/update", mila),
            ("orders/paid", first),
            ("orders/paid", second),
            ("refunds/create", back),
            ("orders/updated", changed),
            ("orders/cancelled", cancelled),
        ]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {
            "x-shopline-topic": topic,
            "x-shopline-webhook-id": delivery_id,
            "x-shopline-api-version": API_VERSION,
        }


def _changed(name: str, known: list[dict[str, Any]], request: Request) -> Response:
    """What changed since, one record a page, so that links have to be followed."""
    start = datetime.fromisoformat(request.query_params["updated_at_min"])
    found = [one for one in known if datetime.fromisoformat(one["updated_at"]) >= start]
    return _page(name, found, request, size=1)


def _page(name: str, known: list[dict[str, Any]], request: Request, *, size: int) -> Response:
    place = int(request.query_params.get("page_info") or 0)
    links = [
        f'<{request.url.include_query_params(page_info=to)}>; rel="{way}"'
        for to, way in ((place - size, "previous"), (place + size, "next"))
        if 0 <= to < len(known)
    ]
    headers = {"Link": ", ".join(links)} if links else {}
    return JSONResponse({name: known[place : place + size]}, headers=headers)


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"errors": message}, status_code=status)
