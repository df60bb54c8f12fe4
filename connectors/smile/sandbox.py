"""A stand-in for Smile.io: customers, points transactions, rewards, and an unsigned webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.kit.window import Window
from connectors.smile.actions import RewardPurchase
from connectors.smile.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "api_key": "sandbox-smile-api-key",
    "hook_token": "sandbox-smile-hook-token",
}
PRODUCT = 501
PRICE = 100


class SmileSandbox(SendingSandbox):
    """Accepts the sandbox account's key.

    Args:
        calls: How many a second it lets pass.

    Attributes:
        customers: By id; Mila is there, and changed long ago.
    """

    slug = "smile"
    webhook: ClassVar[Webhook] = WEBHOOK
    wrong: ClassVar[Mapping[str, Any]] = {"api_key": "sandbox-smile-api-0000"}
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "purchase_reward": (RewardPurchase(customer_id="7001", product=PRODUCT),)
    }

    def __init__(self, *, calls: int = 1000) -> None:
        super().__init__()
        self._window = Window(calls, 1.0)
        self._numbers = count(9001)
        long_ago = (datetime.now(UTC) - timedelta(days=30)).replace(microsecond=0)
        mila = _customer(7001, "mila.brandt@shop.example", long_ago)
        self.customers: dict[int, dict[str, Any]] = {7001: mila}
        self.transactions: list[dict[str, Any]] = []

    def routes(self) -> Sequence[BaseRoute]:
        places = [
            ("/v1/points_settings", self._settings, "GET"),
            ("/v1/customers", self._customers, "GET"),
            ("/v1/customer_identities/create_or_update", self._identity, "POST"),
            ("/v1/points_transactions", self._listed, "GET"),
            ("/v1/points_transactions", self._transaction, "POST"),
            ("/v1/points_products/{id}/purchase", self._purchase, "POST"),
        ]
        return [Route(path, self._guarded(answer), methods=[verb]) for path, answer, verb in places]

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {SANDBOX_ACCOUNT['api_key']}":
                return _refused(401, "Invalid API key or access token")
            if self._window.take():
                return _refused(429, "Too many requests")
            found: Response = await answer(request)
            return found

        return guarded

    async def _settings(self, request: Request) -> Response:
        label = {"one": "Leaf", "other": "Leaves"}
        return JSONResponse({"points_settings": {"points_label": label}})

    async def _customers(self, request: Request) -> Response:
        known = list(self.customers.values())
        if email := request.query_params.get("email"):
            known = [one for one in known if one["email"] == email.lower()]
        if start := request.query_params.get("updated_at_min"):
            since = datetime.fromisoformat(start)
            known = [one for one in known if datetime.fromisoformat(one["updated_at"]) >= since]
        return _page("customers", known, request)

    async def _identity(self, request: Request) -> Response:
        given = (await request.json()).get("customer_identity") or {}
        if not given.get("email") or not given.get("distinct_id"):
            return _refused(422, "email and distinct_id are required")
        email = given["email"].lower()
        customer = next((one for one in self.customers.values() if one["email"] == email), None)
        if customer is None:
            customer = _customer(next(self._numbers), email, datetime.now(UTC))
            self.customers[customer["id"]] = customer
        names = {name: given[name] for name in ("first_name", "last_name") if name in given}
        customer |= names
        answer = {"properties": {}, **given, "id": customer["id"] + 100_000}
        self.record("customer", id=customer["id"], **given)
        return JSONResponse({"customer_identity": {**answer, "customer_id": customer["id"]}})

    async def _listed(self, request: Request) -> Response:
        wanted = request.query_params.get("customer_id")
        known = [one for one in self.transactions if wanted in (None, str(one["customer_id"]))]
        return _page("points_transactions", known, request)

    async def _transaction(self, request: Request) -> Response:
        given = (await request.json()).get("points_transaction") or {}
        customer = self.customers.get(given.get("customer_id", 0))
        if customer is None:
            return _refused(404, "Customer could not be found")
        if customer["points_balance"] + given["points_change"] < 0:
            return _refused(422, "points_change would make the balance negative")
        customer["points_balance"] += given["points_change"]
        made = {"description": "", "internal_note": None, **given, **self._stamped()}
        self.transactions.append(made)
        self.record("points", **made)
        return JSONResponse({"points_transaction": made}, status_code=201)

    async def _purchase(self, request: Request) -> Response:
        given = await request.json()
        customer = self.customers.get(given.get("customer_id", 0))
        if customer is None or request.path_params["id"] != str(PRODUCT):
            return _refused(404, "Not found")
        spent = given.get("points_to_spend", PRICE)
        if customer["points_balance"] < spent:
            return _refused(422, "The customer has not enough points")
        customer["points_balance"] -= spent
        made = {"customer_id": customer["id"], "points_product_id": PRODUCT, "points_spent": spent}
        made |= self._stamped()
        made["reward_fulfillment"] = _reward(made)
        self.record("purchase", **made)
        return JSONResponse({"points_purchase": made}, status_code=201)

    def _stamped(self) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat()
        return {"id": next(self._numbers), "created_at": now, "updated_at": now}

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Jonas joins, and Mila changes her name."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        jonas = _customer(7002, "jonas.weber@shop.example", at)
        self.customers[7002] = jonas
        changed = (at + timedelta(minutes=5)).isoformat()
        mila = self.customers[7001] | {"last_name": "Brandt-Weber", "updated_at": changed}
        self.customers[7001] = mila
        return [("customer/updated", jonas), ("customer/updated", mila)]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> dict[str, Any]:
        return {"topic": topic, "account_id": 4711, "data": payload}

    def prepare(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> InboundRequest:
        """The request as it comes to the registered address, with the token in its query."""
        made = super().prepare(hook_url, topic, payload, account=account, delivery_id=delivery_id)
        assert self.webhook.query is not None
        return replace(made, query=self.webhook.query(account))


def _customer(number: int, email: str, when: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "first_name": email.partition(".")[0].title(),
        "last_name": None,
        "email": email,
        "state": "member",
        "date_of_birth": "1990-05-17",
        "points_balance": 500,
        "referral_url": f"https://refer.shop.example/{number}",
        "vip_tier_id": None,
        "created_at": when.isoformat(),
        "updated_at": when.isoformat(),
    }


def _reward(purchase: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": purchase["id"] + 1,
        "name": "5 € off",
        "code": f"5off-{purchase['id']}",
        "customer_id": purchase["customer_id"],
        "fulfillment_status": "issued",
        "expires_at": None,
        "usage_status": "unused",
        "created_at": purchase["created_at"],
        "updated_at": purchase["updated_at"],
    }


def _page(name: str, known: list[dict[str, Any]], request: Request) -> Response:
    """One record a page, whatever is asked for, so that cursors have to be followed."""
    place = int(request.query_params.get("cursor") or 0)
    following = str(place + 1) if place + 1 < len(known) else None
    back = str(place - 1) if place else None
    metadata = {"next_cursor": following, "previous_cursor": back}
    return JSONResponse({name: known[place : place + 1], "metadata": metadata})


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message}}, status_code=status)
