"""A stand-in for a Lightspeed store: rotating tokens, records with versions, doorbells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.lightspeed.triggers import WEBHOOK
from connectors.lightspeed.version import API, TOKEN

SANDBOX_ACCOUNT = {
    "domain_prefix": "aroma-house",
    "hook_token": "sandbox-lightspeed-hook-token",
    "client_id": "sandbox-add-on",
    "client_secret": "sandbox-lightspeed-client-secret",
    "refresh_token": "sandbox-lightspeed-refresh-0",
    "custom_fields": ["points", "tier"],
}
PERSONAL_TOKEN = "sandbox-lightspeed-personal"  # noqa: S105 - of the stand-in
Reply = dict[str, Any]


class LightspeedSandbox(SendingSandbox):
    """Gives out tokens, each good until the next; a refresh token is good once.

    Attributes:
        resources: `customers`, `sales` and `customer_groups`, by id, each with its version.
        balances: The loyalty balance of each customer.
    """

    slug = "lightspeed"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self) -> None:
        super().__init__()
        self._versions = count(5_000_000, 7)
        self._numbers = count(1)
        self.refresh = SANDBOX_ACCOUNT["refresh_token"]
        self.token = ""
        self.resources: dict[str, dict[str, Reply]] = {
            "customers": {}, "sales": {}, "customer_groups": {},
        }  # fmt: skip
        self.balances: dict[str, Any] = {}
        self.sessions: dict[str, tuple[Any, Reply]] = {}
        self.webhooks: dict[str, Reply] = {}
        long_ago = "2024-03-01T08:00:00+00:00"
        mila: Reply = {
            "first_name": "Mila",
            "last_name": "Brandt",
            "email": "mila.brandt@shop.example",
        }
        mila |= {"mobile": "+15005550123", "customer_code": "m-1", "do_not_email": True}
        self.put("customers", {"id": "7001", **mila, "created_at": long_ago}, at=long_ago)
        self.put("customer_groups", {"id": "g-1", "name": "Gold"}, at=long_ago)

    def put(self, resource: str, record: Reply, *, at: str = "") -> Reply:
        """Keeps a record under the next version, so that it counts as changed."""
        when = at or datetime.now(UTC).isoformat(timespec="seconds")
        kept = {"created_at": when, **record, "updated_at": when, "version": next(self._versions)}
        self.resources[resource][str(kept["id"])] = kept
        return kept

    def routes(self) -> Sequence[BaseRoute]:
        def route(path: str, answer: Any, *methods: str) -> Route:
            return Route(f"{API}{path}", self._guarded(answer), methods=list(methods))

        return [
            Route(TOKEN, self._renew, methods=["POST"]),
            route("/retailer", self._retailer, "GET"),
            route("/search", self._search, "GET"),
            route("/customers", self._create, "POST"),
            route("/customers/{id}", self._write, "PUT"),
            route("/customer_groups/{id}/customers", self._group, "POST", "DELETE"),
            route("/loyalty/adjustments/bulk", self._adjust, "POST"),
            route("/webhooks", self._hooks, "GET", "POST"),
            route("/webhooks/{id}", self._unhook, "DELETE"),
            route("/{resource}", self._changed, "GET"),
        ]

    async def _renew(self, request: Request) -> Response:
        form = await request.form()
        known = {name: SANDBOX_ACCOUNT[name] for name in ("client_id", "client_secret")}
        if any(form.get(name) != value for name, value in known.items()):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        number = next(self._numbers)
        self.refresh = f"sandbox-lightspeed-refresh-{number}"
        self.token = f"sandbox-lightspeed-access-{number}"
        content = {"access_token": self.token, "token_type": "Bearer", "expires_in": 86400}
        content |= {"refresh_token": self.refresh, "domain_prefix": "aroma-house"}
        return JSONResponse(content)

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            known = {f"Bearer {PERSONAL_TOKEN}", f"Bearer {self.token}"}
            if request.headers.get("authorization") not in known:
                return _error(401, "Unauthorized")
            found: Response = await answer(request)
            return found

        return guarded

    async def _retailer(self, request: Request) -> Response:
        currency = {"code": "EUR", "symbol": "€"}
        return JSONResponse({"data": {"name": "Aroma House", "currency": currency}})

    async def _changed(self, request: Request) -> Response:
        known = self.resources.get(request.path_params["resource"])
        if known is None:
            return _error(404, "Not found")
        after = int(request.query_params.get("after", 0))
        size = int(request.query_params.get("page_size", 100))
        later = [one for one in known.values() if one["version"] > after]
        found = sorted(later, key=lambda one: one["version"])[: min(size, 2)]
        versions = [one["version"] for one in found] or [0]
        span = {"min": min(versions), "max": max(versions)}
        return JSONResponse({"data": found, "version": span})

    async def _search(self, request: Request) -> Response:
        asked = dict(request.query_params)
        names = set(asked) - {"type", "page_size", "offset", "order_by", "order_direction"}
        found = [
            one
            for one in self.resources[asked["type"]].values()
            if all(asked[name].lower() in str(one.get(name) or "").lower() for name in names)
        ]
        return JSONResponse({"data": found})

    async def _create(self, request: Request) -> Response:
        fields = await request.json()
        if not {"first_name", "last_name"} <= set(fields):
            return _error(400, "first_name and last_name are required")
        made = self.put("customers", {"id": f"c-{next(self._numbers)}", **fields})
        self.record("customer", **made)
        return JSONResponse({"data": made}, status_code=201)

    async def _write(self, request: Request) -> Response:
        there = self.resources["customers"].get(request.path_params["id"])
        if there is None:
            return _error(404, "Customer not found")
        # As strict as it can be meant: what is not sent is gone.
        kept = {name: there[name] for name in ("id", "created_at")}
        written = self.put("customers", {**kept, **await request.json()})
        self.record("customer", **written)
        return JSONResponse({"data": written})

    async def _group(self, request: Request) -> Response:
        group = self.resources["customer_groups"].get(request.path_params["id"])
        (customer_id,) = (await request.json())["customer_ids"]
        customer = self.resources["customers"].get(customer_id)
        if group is None or customer is None:
            return _error(404, "Not found")
        joins = request.method == "POST"
        customer["customer_group_id"] = group["id"] if joins else None
        self.record("group", customer=customer_id, group=group["id"], is_member=joins)
        return JSONResponse(True, status_code=201) if joins else Response(status_code=204)

    async def _adjust(self, request: Request) -> Response:
        body = await request.json()
        session, (one,) = body["session_id"], body["adjustments"]
        done = self.sessions.get(session)
        if done is not None:
            same = done[0] == body["adjustments"]
            return JSONResponse(done[1]) if same else _error(409, "Session conflict")
        who = one["customer_id"]
        after = self.balances.get(who, 0) + one.get("credit", 0) - one.get("debit", 0)
        if who not in self.resources["customers"] or after < 0:
            text = "not enough loyalty" if after < 0 else "customer not found"
            failed = [{"customer_id": who, "error": text}]
            return JSONResponse({"applied": [], "errors": failed}, status_code=207)
        self.balances[who] = after
        reply = {"applied": [{"customer_id": who, "balance": after}], "errors": []}
        self.sessions[session] = (body["adjustments"], reply)
        self.record("loyalty", session=session, **one)
        return JSONResponse(reply)

    async def _hooks(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"data": list(self.webhooks.values())})
        wanted = await request.json()
        made = {"id": f"w-{next(self._numbers)}", "retailer_id": "r-1", **wanted}
        self.webhooks[made["id"]] = made
        return JSONResponse({"data": made}, status_code=201)

    async def _unhook(self, request: Request) -> Response:
        if self.webhooks.pop(request.path_params["id"], None) is None:
            return _error(404, "Not found")
        return JSONResponse({})

    # --- what it sends -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Nora signs up, buys, changes her purchase and brings a part of it back."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        times = [(at + timedelta(minutes=minute)).isoformat() for minute in (0, 5, 9)]
        nora = {"id": "7002", "first_name": "Nora", "last_name": None, "customer_code": "Nora-1"}
        first = self.put("customers", nora, at=times[0])
        sale = self.put("sales", sale_of("4501", "7002", "1042", times[1]), at=times[1])
        back = sale_of("4502", "7002", "1043", times[2], quantity=-1)
        taken = self.put("sales", {**back, "return_for": "4501"}, at=times[2])
        return [("customer.update", first), ("sale.update", sale), ("sale.update", taken)]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def prepare(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> InboundRequest:
        form = {"payload": json.dumps(payload), "type": topic, "environment": "prod"}
        query = {"token": account.hook_token.get_secret_value()}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        url = hook_url if "token=" in hook_url else self.webhook.address(hook_url, account)
        body, now = urlencode(form).encode(), datetime.now(UTC)
        unsigned = InboundRequest("POST", url, headers, body, now, query)
        return replace(unsigned, headers={**headers, **self.webhook.sign(unsigned, account)})

    async def deliver(
        self,
        hook_url: str,
        topic: str,
        payload: dict[str, Any],
        *,
        account: Any,
        delivery_id: str | None = None,
    ) -> int:
        known = "token=" in hook_url
        url = hook_url if known else self.webhook.address(hook_url, account)
        return await super().deliver(url, topic, payload, account=account, delivery_id=delivery_id)


def sale_of(
    identity: str, customer: str, number: str, when: str, *, quantity: int = 2
) -> dict[str, Any]:
    """A closed sale of some Sencha, paid in cash; a return where the quantity is negative."""
    price, tax = 10.08403, 1.91597
    line = {"id": f"{identity}-1", "product_id": "p-1", "quantity": quantity, "price": price}
    line |= {"price_total": price * quantity, "tax_total": tax * quantity, "status": "CONFIRMED"}
    line["is_return"] = quantity < 0
    total, taxes = round(price * quantity, 2), round(tax * quantity, 2)
    return {
        "id": identity,
        "customer_id": customer,
        "invoice_number": number,
        "status": "CLOSED",
        "total_price": total,
        "total_tax": taxes,
        "sale_date": when,
        "line_items": [line],
        "payments": [{"name": "Cash", "amount": total + taxes, "payment_date": when}],
    }


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text, "message": text}, status_code=status)
