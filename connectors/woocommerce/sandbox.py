"""A stand-in for a WooCommerce shop: orders, customers, coupons and webhooks of wc/v3."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.woocommerce.records import API
from connectors.woocommerce.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "consumer_key": "ck_sandbox-woocommerce-key",
    "consumer_secret": "cs_sandbox-woocommerce-secret",
    "webhook_secret": "sandbox-woocommerce-webhook-secret",
}
Record = dict[str, Any]
Handler = Callable[[Request], Awaitable[Response]]


class WooCommerceSandbox(SendingSandbox):
    """Accepts the sandbox account's key. Mila, number 7001, is its customer.

    Attributes:
        orders: What polling finds; so for the customers that have a `date_created_gmt`.
    """

    slug = "woocommerce"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(501)
        mila = {"id": 7001, "email": "mila.brandt@shop.example", "first_name": "Mila"}
        old = dict.fromkeys(_TIMES, "2020-01-01T10:00:00")
        self.customers: dict[int, Record] = {7001: {**mila, **old, "meta_data": []}}
        self.orders: list[Record] = []
        old_coupon = {"id": 500, "code": "mila-4700", "usage_count": 0, "meta_data": []}
        self.coupons: dict[str, Record] = {"mila-4700": old_coupon}
        self.webhooks: dict[int, Record] = {}

    def routes(self) -> Sequence[BaseRoute]:
        each: list[tuple[str, str, Handler]] = [
            ("GET", "/orders", self._orders),
            ("GET", "/customers", self._customers),
            ("GET", "/customers/{id:int}", self._customer),
            ("PUT", "/customers/{id:int}", self._change_customer),
            ("GET", "/coupons", self._coupons),
            ("POST", "/coupons", self._make_coupon),
            ("PUT", "/coupons/{id:int}", self._change_coupon),
            ("GET", "/webhooks", self._webhooks),
            ("POST", "/webhooks", self._make_webhook),
            ("DELETE", "/webhooks/{id:int}", self._delete_webhook),
        ]
        return [Route(f"{API}{path}", _guarded(run), methods=[way]) for way, path, run in each]

    async def _orders(self, request: Request) -> Response:
        return _page(request, sorted(self.orders, key=_by("date_modified_gmt"), reverse=True))

    async def _customers(self, request: Request) -> Response:
        email = request.query_params.get("email")
        found = [one for one in self.customers.values() if email in (None, one["email"])]
        if request.query_params.get("orderby") == "id":
            return _page(request, sorted(found, key=lambda one: int(one["id"])))
        return _page(request, sorted(found, key=_by("date_created_gmt"), reverse=True))

    async def _customer(self, request: Request) -> Response:
        found = self.customers.get(request.path_params["id"])
        return JSONResponse(found) if found else _refused("invalid_id", "Invalid resource ID.", 404)

    async def _change_customer(self, request: Request) -> Response:
        customer = self.customers.get(request.path_params["id"])
        if customer is None:
            return _refused("invalid_id", "Invalid resource ID.", 400)
        held = {one["key"]: one["value"] for one in customer["meta_data"]}
        held |= {one["key"]: one["value"] for one in (await request.json())["meta_data"]}
        fields = [(key, value) for key, value in held.items() if value is not None]
        customer["meta_data"] = [
            {"id": number, "key": key, "value": value}
            for number, (key, value) in enumerate(fields, 1)
        ]
        self.record("customer", id=customer["id"], meta=dict(fields))
        return JSONResponse(customer)

    async def _coupons(self, request: Request) -> Response:
        code = request.query_params.get("code")
        found = [one for one in self.coupons.values() if code in (None, "") or _same(one, code)]
        return _page(request, found)

    async def _make_coupon(self, request: Request) -> Response:
        """Codes are kept in small letters, as WooCommerce keeps them."""
        given = await request.json()
        code = str(given.get("code", "")).lower()
        if not code:
            return _refused("coupon_code_required", "Missing parameter(s): code", 400)
        if code in self.coupons:
            return _refused("coupon_code_already_exists", "The coupon code already exists", 400)
        coupon = {"id": next(self._numbers), "usage_count": 0, **given, "code": code}
        self.coupons[code] = coupon
        self.record("coupon", **coupon)
        return JSONResponse(coupon, status_code=201)

    async def _change_coupon(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        for code, coupon in self.coupons.items():
            if coupon["id"] == wanted:
                self.coupons[code] = {**coupon, **await request.json()}
                self.record("coupon_changed", **self.coupons[code])
                return JSONResponse(self.coupons[code])
        return _refused("shop_coupon_invalid_id", "Invalid ID.", 404)

    async def _webhooks(self, request: Request) -> Response:
        return _page(request, list(self.webhooks.values()))

    async def _make_webhook(self, request: Request) -> Response:
        """The secret is kept and never told again."""
        given = await request.json()
        if not given.get("topic") or not given.get("secret"):
            return _refused("webhook_invalid_topic", "Webhook topic is required.", 400)
        webhook = {"id": next(self._numbers), **given}
        del webhook["secret"]
        self.webhooks[webhook["id"]] = webhook
        return JSONResponse(webhook, status_code=201)

    async def _delete_webhook(self, request: Request) -> Response:
        if request.query_params.get("force") != "true":
            return _refused("trash_not_supported", "Webhooks do not support trashing.", 501)
        found = self.webhooks.pop(request.path_params["id"], None)
        return JSONResponse(found) if found else _refused("invalid_id", "Invalid ID.", 404)

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Tom registers and orders twice; some of one order goes back, the other is cancelled."""
        at = datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(hours=2)
        times = [(at + timedelta(minutes=minute)).isoformat() for minute in (0, 5, 10, 20)]
        tom = {"id": 7002, "email": "tom.brandt@shop.example", "first_name": "Tom"}
        tom |= dict.fromkeys(_TIMES, times[0])
        self.customers[7002] = {**tom, "meta_data": []}
        first, second = _order(4501, times[1]), _order(4502, times[1])
        refunds = [{"id": 4601, "reason": "", "total": "-12.00"}]
        changed = {**first, "date_modified_gmt": times[2], "refunds": refunds}
        cancelled = {**second, "date_modified_gmt": times[3], "status": "cancelled"}
        self.orders = [changed, cancelled]
        return [
            ("customer.created", tom),
            ("order.created", first),
            ("order.created", {**second, "status": "pending"}),
            ("order.updated", changed),
            ("order.updated", cancelled),
        ]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        resource, _, event = topic.partition(".")
        return {
            "x-wc-webhook-source": f"{account.base_url}/",
            "x-wc-webhook-topic": topic,
            "x-wc-webhook-resource": resource,
            "x-wc-webhook-event": event,
            "x-wc-webhook-id": "1",
            "x-wc-webhook-delivery-id": delivery_id,
        }


_TIMES = ("date_created_gmt", "date_modified_gmt")


def _guarded(handler: Handler) -> Handler:
    pair = f"{SANDBOX_ACCOUNT['consumer_key']}:{SANDBOX_ACCOUNT['consumer_secret']}"
    expected = f"Basic {b64encode(pair.encode()).decode('ascii')}"

    async def answer(request: Request) -> Response:
        if request.headers.get("Authorization") != expected:
            return _refused("cannot_view", "Sorry, you cannot list resources.", 401)
        return await handler(request)

    return answer


def _refused(code: str, message: str, status: int) -> Response:
    body = {"code": f"woocommerce_rest_{code}", "message": message, "data": {"status": status}}
    return JSONResponse(body, status_code=status)


def _page(request: Request, found: Sequence[Record]) -> Response:
    size = int(request.query_params.get("per_page", 10))
    start = (int(request.query_params.get("page", 1)) - 1) * size
    pages = -(-len(found) // size)
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
    return JSONResponse(found[start : start + size], headers=headers)


def _by(name: str) -> Callable[[Record], str]:
    return lambda record: str(record[name])


def _same(coupon: Record, code: str | None) -> bool:
    return bool(coupon["code"] == (code or "").lower())


def _order(number: int, when: str) -> Record:
    line = {"id": number * 10, "name": "Sencha", "quantity": 2, "subtotal": "24.00"}
    return {
        "id": number,
        "number": str(number),
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": when,
        "date_modified_gmt": when,
        "date_paid_gmt": when,
        "total": "24.00",
        "total_tax": "0.00",
        "customer_id": 7002,
        "billing": {"email": "tom.brandt@shop.example"},
        "line_items": [{**line, "total": "24.00", "total_tax": "0.00"}],
        "refunds": [],
    }
