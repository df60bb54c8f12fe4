"""A stand-in for a BigCommerce store: versions 2 and 3, pages, signed thin webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.bigcommerce.payloads import moment, whole
from connectors.bigcommerce.triggers import ID, WEBHOOK
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window

SANDBOX_ACCOUNT = {
    "store_hash": "sandbox1",
    "access_token": "sandbox-bigcommerce-token",
    "client_secret": "sandbox-bigcommerce-client-secret",
    "currency": "EUR",
}
Record = dict[str, Any]


class BigCommerceSandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Args:
        calls: How many it takes in 30 seconds; 0 means as many as come.

    Attributes:
        known: Customers, orders, products and coupons of orders, refunds, coupons, webhooks.
    """

    slug = "bigcommerce"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self, *, calls: int = 0) -> None:
        super().__init__()
        self._window = Window(calls, 30.0)
        self._numbers = count(100)
        self.customers: dict[int, Record] = {}
        self.orders: dict[int, Record] = {}
        self.products: dict[int, list[Record]] = {}
        self.used: dict[int, list[Record]] = {}
        self.refunds: dict[int, Record] = {}
        old_coupon = {"id": 99, "code": "MILA-4700", "num_uses": 0, "enabled": True}
        self.coupons: dict[str, Record] = {"MILA-4700": old_coupon}
        self.attributes: dict[str, int] = {}
        self.values: dict[tuple[int, int], Record] = {}
        self.hooks: dict[int, Record] = {}
        self.credit: dict[int, float] = {7001: 5}
        mila = {"id": 7001, "email": "mila.brandt@shop.example", "phone": "+15005550123"}
        mila |= {"first_name": "Mila", "last_name": "Brandt"}
        long_ago = "2024-03-01T08:00:00Z"
        self.customers[7001] = {**mila, "date_created": long_ago, "date_modified": long_ago}

    def routes(self) -> Sequence[BaseRoute]:
        def route(path: str, answer: Any, *methods: str) -> Route:
            return Route(path, self._guarded(answer), methods=list(methods))

        return [
            route("/v2/orders", self._orders, "GET"),
            route("/v2/orders/{id:int}/products", self._of_an_order, "GET"),
            route("/v2/orders/{id:int}/coupons", self._of_an_order, "GET"),
            route("/v2/coupons", self._coupons, "GET", "POST"),
            route("/v2/coupons/{id:int}", self._coupon, "PUT"),
            route("/v3/orders/payment_actions/refunds", self._refunds, "GET"),
            route("/v3/customers", self._customers, "GET", "PUT"),
            route("/v3/customers/attributes", self._attributes, "GET", "POST"),
            route("/v3/customers/attribute-values", self._values, "GET", "PUT", "DELETE"),
            route("/v3/hooks", self._hooks, "GET", "POST"),
            route("/v3/hooks/{id:int}", self._unhook, "DELETE"),
        ]

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("x-auth-token") != SANDBOX_ACCOUNT["access_token"]:
                return _error(401, "Invalid credentials")
            if wait := self._window.take():
                headers = {"X-Rate-Limit-Time-Reset-Ms": str(int(wait * 1000) + 1)}
                return JSONResponse({"status": 429}, status_code=429, headers=headers)
            found: Response = await answer(request)
            return found

        return guarded

    # --- version 2 ---------------------------------------------------------------------------

    async def _orders(self, request: Request) -> Response:
        start = datetime.fromisoformat(request.query_params["min_date_modified"])
        known = sorted(self.orders.values(), key=lambda one: moment(one["date_modified"]))
        found = [one for one in known if moment(one["date_modified"]) >= start]
        return _bare(request, found)

    async def _of_an_order(self, request: Request) -> Response:
        kind = self.products if request.url.path.endswith("/products") else self.used
        return _bare(request, kind.get(request.path_params["id"], []))

    async def _coupons(self, request: Request) -> Response:
        if request.method == "GET":
            found = self.coupons.get(request.query_params["code"])
            return JSONResponse([found]) if found else Response(status_code=204)
        wanted = await request.json()
        if wanted["code"] in self.coupons:
            said = {"status": 400, "message": "The field 'code' is invalid: a duplicate."}
            return JSONResponse([said], status_code=400)
        made = {"id": next(self._numbers), "num_uses": 0, **wanted}
        self.coupons[wanted["code"]] = made
        self.record("coupon", **made)
        return JSONResponse(made, status_code=201)

    async def _coupon(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        for code, coupon in self.coupons.items():
            if coupon["id"] == wanted:
                self.coupons[code] = {**coupon, **await request.json()}
                self.record("coupon_changed", **self.coupons[code])
                return JSONResponse(self.coupons[code])
        return _error(404, "The requested resource was not found.")

    # --- version 3 ---------------------------------------------------------------------------

    async def _refunds(self, request: Request) -> Response:
        wanted = {int(one) for one in request.query_params["order_id:in"].split(",")}
        found = [one for one in self.refunds.values() if one["order_id"] in wanted]
        return _paged(request, found)

    async def _customers(self, request: Request) -> Response:
        if request.method == "PUT":
            return await self._write(request)
        asked = request.query_params
        found = sorted(self.customers.values(), key=lambda one: str(one["date_modified"]))
        if start := asked.get("date_modified:min"):
            since = datetime.fromisoformat(start)
            found = [one for one in found if _iso(one["date_modified"]) >= since]
        if start := asked.get("date_created:min"):
            found = [one for one in found if _iso(one["date_created"]) >= _iso(start)]
            found.sort(key=lambda one: str(one["date_created"]))
        for name in ("id", "email", "phone"):
            if wanted := asked.get(f"{name}:in"):
                found = [one for one in found if str(one.get(name)) in wanted.split(",")]
        if asked.get("include") == "storecredit":
            held = [[{"amount": self.credit.get(one["id"], 0)}] for one in found]
            pairs = zip(found, held, strict=True)
            found = [{**one, "store_credit_amounts": credit} for one, credit in pairs]
        return _paged(request, found)

    async def _write(self, request: Request) -> Response:
        records = await request.json()
        for one in records:
            if one["id"] not in self.customers:
                return _error(422, "Customer not found", errors={"id": "does not exist"})
            for credit in one.get("store_credit_amounts", ()):
                self.credit[one["id"]] = credit["amount"]
                self.record("store_credit", customer=one["id"], amount=credit["amount"])
        return JSONResponse({"data": [self.customers[one["id"]] for one in records], "meta": {}})

    async def _attributes(self, request: Request) -> Response:
        if request.method == "POST":
            (wanted,) = await request.json()
            self.attributes[wanted["name"]] = next(self._numbers)
            made = {**wanted, "id": self.attributes[wanted["name"]]}
            return JSONResponse({"data": [made], "meta": {}})
        known = self.attributes.items()
        return _paged(request, [{"id": n, "name": name, "type": "string"} for name, n in known])

    async def _values(self, request: Request) -> Response:
        if request.method == "GET":
            wanted = int(request.query_params["customer_id:in"])
            found = [one for one in self.values.values() if one["customer_id"] == wanted]
            return _paged(request, found)
        if request.method == "DELETE":
            gone = {int(one) for one in request.query_params["id:in"].split(",")}
            self.values = {key: one for key, one in self.values.items() if one["id"] not in gone}
            return Response(status_code=204)
        body = await request.json()
        if len(body) > 10 or not all(one.get("value") for one in body):
            return _error(422, "Too many values, or an empty one")
        written = []
        for one in body:
            if one["customer_id"] not in self.customers:
                return _error(422, "Customer not found", errors={"customer_id": "unknown"})
            place = (one["customer_id"], one["attribute_id"])
            number = self.values.get(place, {}).get("id") or next(self._numbers)
            kept = {"id": number, "customer_id": place[0], "attribute_id": place[1]}
            self.values[place] = {**kept, "attribute_value": one["value"]}
            self.record("attribute", **self.values[place])
            written.append(self.values[place])
        return JSONResponse({"data": written, "meta": {}})

    async def _hooks(self, request: Request) -> Response:
        if request.method == "GET":
            return _paged(request, list(self.hooks.values()))
        wanted = await request.json()
        made = {"id": next(self._numbers), "store_hash": "sandbox1", **wanted}
        self.hooks[made["id"]] = made
        return JSONResponse({"data": made, "meta": {}})

    async def _unhook(self, request: Request) -> Response:
        gone = self.hooks.pop(request.path_params["id"], None)
        return JSONResponse({"data": gone, "meta": {}}) if gone else _error(404, "Not found")

    # --- what it sends -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Nora signs up and orders twice: some of one goes back, the other is cancelled."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        later = at + timedelta(minutes=20)
        nora = {"id": 7002, "email": "nora@shop.example", "first_name": "Nora"}
        self.customers[7002] = {
            **nora, "date_created": at.isoformat(), "date_modified": at.isoformat(),
        }  # fmt: skip
        self.place(order_of(4501, 7002, at, later, status_id=14, refunded_amount="12.0000"))
        self.place(order_of(4502, 7002, at, later, status_id=5))
        self.refunds[901] = {
            "id": 901, "order_id": 4501, "created": later.isoformat(), "total_amount": 12.0,
            "items": [{"item_type": "PRODUCT", "item_id": 45010, "quantity": 1}],
            "payments": [{"id": 1, "amount": 12.0, "is_declined": False}],
        }  # fmt: skip
        return [
            ("store/customer/created", {"type": "customer", "id": 7002}),
            ("store/order/created", {"type": "order", "id": 4501}),
            ("store/order/refund/created",
             {"type": "order", "id": 4501, "refund": {"refund_id": 901}}),
        ]  # fmt: skip

    def place(self, order: Record) -> None:
        """Keeps an order and two pieces of Sencha in it."""
        self.orders[order["id"]] = order
        self.products[order["id"]] = [line_of(order["id"] * 10)]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {ID: delivery_id}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        if "scope" in payload:
            return payload
        told = {"scope": topic, "store_id": "1025646", "data": payload, "created_at": 1795348800}
        return {**told, "producer": "stores/sandbox1", "hash": delivery_id.replace("-", "")[:40]}


def order_of(
    identity: int, customer: int, created: datetime, modified: datetime, **changes: Any
) -> Record:
    """A captured order of two pieces of Sencha."""
    plain = {
        "id": identity,
        "customer_id": customer,
        "status_id": 11,
        "payment_status": "captured",
        "payment_method": "Credit Card",
        "default_currency_code": "EUR",
        "date_created": whole(created),
        "date_modified": whole(modified),
        "subtotal_ex_tax": "24.0000",
        "total_ex_tax": "24.0000",
        "total_inc_tax": "24.0000",
        "total_tax": "0.0000",
        "refunded_amount": "0.0000",
        "coupon_discount": "0.0000",
        "billing_address": {"zip": "10115", "email": "nora@shop.example"},
    }
    return {**plain, **changes}


def line_of(identity: int, **changes: Any) -> Record:
    """Two pieces of Sencha."""
    plain = {"id": identity, "product_id": 77, "name": "Sencha", "sku": "SEN", "quantity": 2,
             "type": "physical", "price_ex_tax": "12.0000", "total_ex_tax": "24.0000",
             "total_tax": "0.0000", "applied_discounts": []}  # fmt: skip
    return {**plain, **changes}


def _iso(value: str) -> datetime:
    return datetime.fromisoformat(value.replace("Z", "+00:00"))


def _part(request: Request, found: Sequence[Any]) -> tuple[Sequence[Any], int, int]:
    page = int(request.query_params.get("page", 1))
    limit = int(request.query_params.get("limit", 50))
    return found[(page - 1) * limit : page * limit], page, -(-len(found) // limit)


def _bare(request: Request, found: Sequence[Any]) -> Response:
    part, _, _ = _part(request, found)
    return JSONResponse(part) if part else Response(status_code=204)


def _paged(request: Request, found: Sequence[Any]) -> Response:
    part, page, pages = _part(request, found)
    told = {"total": len(found), "count": len(part), "current_page": page, "total_pages": pages}
    return JSONResponse({"data": list(part), "meta": {"pagination": told}})


def _error(status: int, title: str, **more: Any) -> Response:
    return JSONResponse({"status": status, "title": title, **more}, status_code=status)
