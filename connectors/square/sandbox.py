"""A stand-in for Square: what is polled, the loyalty programme, subscriptions, signed webhooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.square.inputs import LoyaltyEnrolment, PurchasePoints, RewardChoice, RewardUse
from connectors.square.records import LOCATIONS, LOYALTY, SUBSCRIPTIONS
from connectors.square.stand_in import StandInLoyalty, refused
from connectors.square.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "access_token": "sandbox-square-token",
    "signature_key": "sandbox-square-signature-key",
}
HARBOUR = "LHAFENSTRASSE"
MILA = {"id": "7001", "given_name": "Mila", "email_address": "mila.brandt@shop.example"}
Handler = Callable[[Request], Awaitable[Response]]
Record = dict[str, Any]


class SquareSandbox(SendingSandbox):
    """Accepts the sandbox account's token.

    Attributes:
        found: What polling finds: payments, refunds, orders, customers and loyalty events.
        loyalty: The seller's programme.
    """

    slug = "square"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar = {
        "create_loyalty_account": (LoyaltyEnrolment(phone="+15005550199"),),
        "accumulate_points": (PurchasePoints(customer_id="7001", points=12),),
        "create_reward": (RewardChoice(customer_id="7001", reward_tier_id="TIER-COFFEE"),),
        "redeem_reward": (RewardUse(reward_id="REWARD-1"),),
    }

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        self.loyalty = StandInLoyalty(self)
        self.subscriptions: dict[str, Record] = {}
        names = ("payments", "refunds", "orders", "customers", "events")
        self.found: dict[str, list[Record]] = {name: [] for name in names}

    def account_at(self, base_url: str) -> dict[str, Any]:
        more = {"location_id": HARBOUR, "read_orders": True}
        return {**super().account_at(base_url), **more}

    def routes(self) -> Sequence[BaseRoute]:
        one = f"{LOYALTY}/accounts/{{id}}"
        each: list[tuple[str, str, Handler]] = [
            ("GET", LOCATIONS, self._locations),
            ("GET", "/v2/payments", self._payments),
            ("GET", "/v2/refunds", self._refunds),
            ("POST", "/v2/customers/search", self._customers),
            ("POST", "/v2/orders/search", self._orders),
            ("POST", f"{LOYALTY}/events/search", self._events),
            ("GET", f"{LOYALTY}/programs/main", self.loyalty.program),
            ("POST", f"{LOYALTY}/accounts", self.loyalty.enrol),
            ("POST", f"{LOYALTY}/accounts/search", self.loyalty.search),
            ("GET", one, self.loyalty.account),
            ("POST", f"{one}/accumulate", self.loyalty.accumulate),
            ("POST", f"{one}/adjust", self.loyalty.adjust),
            ("POST", f"{LOYALTY}/rewards", self.loyalty.make_reward),
            ("POST", f"{LOYALTY}/rewards/{{id}}/redeem", self.loyalty.redeem),
            ("GET", SUBSCRIPTIONS, self._subscriptions),
            ("POST", SUBSCRIPTIONS, self._subscribe),
            ("DELETE", f"{SUBSCRIPTIONS}/{{id}}", self._unsubscribe),
        ]
        return [Route(path, _guarded(run), methods=[method]) for method, path, run in each]

    # --- what is polled ----------------------------------------------------------------------

    async def _locations(self, request: Request) -> Response:
        shop = {"id": HARBOUR, "name": "Harbour Street", "status": "ACTIVE"}
        return JSONResponse({"locations": [{**shop, "currency": "EUR", "country": "IE"}]})

    async def _payments(self, request: Request) -> Response:
        here = request.query_params.get("location_id", HARBOUR)
        known = [one for one in self.found["payments"] if one["location_id"] == here]
        return _page("payments", _since(known, request.query_params), request.query_params)

    async def _refunds(self, request: Request) -> Response:
        known = _since(self.found["refunds"], request.query_params)
        return _page("refunds", known, request.query_params)

    async def _customers(self, request: Request) -> Response:
        asked = await request.json()
        wanted = asked["query"]["filter"]
        if "email_address" in wanted:
            email = wanted["email_address"]["exact"]
            known = [one for one in (MILA, *self.found["customers"])
                     if one["email_address"] == email]  # fmt: skip
        else:
            ((field, since),) = wanted.items()
            sought = [one for one in self.found["customers"] if one[field] >= since["start_at"]]
            known = sorted(sought, key=lambda one: str(one["created_at"]))
        return _page("customers", known, asked)

    async def _orders(self, request: Request) -> Response:
        asked = await request.json()
        if len(asked["location_ids"]) > 10:
            return refused("ARRAY_LENGTH_TOO_LONG", "At most 10 locations.", 400)
        start = asked["query"]["filter"]["date_time_filter"]["updated_at"]["start_at"]
        known = [
            one
            for one in sorted(self.found["orders"], key=lambda one: str(one["updated_at"]))
            if one["updated_at"] >= start and one["location_id"] in asked["location_ids"]
        ]
        return _page("orders", known, asked)

    async def _events(self, request: Request) -> Response:
        asked = await request.json()
        start = asked["query"]["filter"]["date_time_filter"]["created_at"]["start_at"]
        known = [one for one in self.found["events"] if one["created_at"] >= start]
        newest = sorted(known, key=lambda one: str(one["created_at"]), reverse=True)
        return _page("events", newest, asked)

    # --- subscriptions -----------------------------------------------------------------------

    async def _subscriptions(self, request: Request) -> Response:
        with_dead = request.query_params.get("include_disabled") == "true"
        known = [one for one in self.subscriptions.values() if one["enabled"] or with_dead]
        return _page("subscriptions", known, request.query_params)

    async def _subscribe(self, request: Request) -> Response:
        asked = (await request.json())["subscription"]
        number = next(self._numbers)
        made = {**asked, "id": f"wbhk_{number}", "enabled": True, "signature_key": f"key-{number}"}
        self.subscriptions[made["id"]] = made
        return JSONResponse({"subscription": made})

    async def _unsubscribe(self, request: Request) -> Response:
        if self.subscriptions.pop(request.path_params["id"], None) is None:
            return refused("NOT_FOUND", "Subscription not found.", 404)
        return JSONResponse({})

    # --- webhooks ----------------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Ada becomes a customer, buys at the till, gives back a part and takes a reward."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        times = [f"{at + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ}" for n in (0, 5, 10)]
        ada: Record = {"id": "7002", "given_name": "Ada", "email_address": "ada@shop.example"}
        ada |= {"created_at": times[0], "updated_at": times[0]}
        changed = {**ada, "family_name": "Lind", "updated_at": times[1]}
        payment, refund = _payment("PAY4501", times[1]), _refund("PAY4501", times[2])
        begun = {**payment, "status": "APPROVED"}
        event = {"id": "EVENT4501", "type": "REDEEM_REWARD", "source": "SQUARE"}
        event |= {"loyalty_account_id": "LOYAL-7001", "created_at": times[1]}
        self.found = {
            "customers": [changed],
            "payments": [payment],
            "refunds": [refund],
            "orders": [_order("ORD4501", "PAY4501", times[1])],
            "events": [event, {**event, "id": "EVENT4502", "source": "LOYALTY_API"}],
        }
        told = [
            ("customer.created", "customer", ada),
            ("customer.updated", "customer", changed),
            ("payment.created", "payment", begun),
            ("payment.updated", "payment", payment),
            ("refund.updated", "refund", refund),
            ("order.updated", "order_updated", {"order_id": "ORD4501"}),
        ]
        return [(topic, {"data": {"object": {name: one}}}) for topic, name, one in told]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {"square-environment": "Sandbox"}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        """Square names topic and delivery in the body."""
        return {**payload, "type": topic, "event_id": delivery_id}


def _guarded(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {SANDBOX_ACCOUNT['access_token']}":
            return refused("UNAUTHORIZED", "This request could not be authorized.", 401)
        return await handler(request)

    return answer


def _since(known: Sequence[Record], query: Mapping[str, str]) -> list[Record]:
    start = query.get("updated_at_begin_time", "")
    ordered = sorted(known, key=lambda one: str(one["updated_at"]))
    return [one for one in ordered if one["updated_at"] >= start]


def _page(name: str, known: Sequence[Record], asked: Mapping[str, Any]) -> Response:
    """Two a page, whatever is asked for; an empty list is left out, as at Square."""
    start = int(asked.get("cursor") or 0)
    found = known[start : start + 2]
    more = {"cursor": str(start + 2)} if start + 2 < len(known) else {}
    return JSONResponse({**({name: found} if found else {}), **more})


def _money(amount: int) -> Record:
    return {"amount": amount, "currency": "EUR"}


def _payment(payment_id: str, when: str) -> Record:
    return {
        "id": payment_id,
        "status": "COMPLETED",
        "location_id": HARBOUR,
        "order_id": "ORD4501",
        "customer_id": "7002",
        "amount_money": _money(2400),
        "total_money": _money(2400),
        "created_at": when,
        "updated_at": when,
    }


def _refund(payment_id: str, when: str) -> Record:
    return {
        "id": f"{payment_id}_REF1",
        "status": "COMPLETED",
        "payment_id": payment_id,
        "amount_money": _money(1200),
        "created_at": when,
        "updated_at": when,
    }


def _order(order_id: str, payment_id: str, when: str) -> Record:
    line = {"uid": "line-1", "name": "Sencha", "quantity": "2", "total_money": _money(2400)}
    tender = {"id": payment_id, "type": "CARD", "amount_money": _money(2400)}
    return {
        "id": order_id,
        "location_id": HARBOUR,
        "state": "COMPLETED",
        "customer_id": "7002",
        "line_items": [{**line, "base_price_money": _money(1200)}],
        "tenders": [tender],
        "total_money": _money(2400),
        "created_at": when,
        "updated_at": when,
        "closed_at": when,
    }
