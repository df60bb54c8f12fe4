"""A stand-in for a Wix site: tokens by client credentials, queries, signed webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, uuid4, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import InboundRequest, Webhook
from connectors.wix.client import (
    ACCOUNTS,
    CONTACTS,
    COUPONS,
    FIELDS,
    LABELS,
    ORDERS,
    PAYMENTS,
    TRANSACTIONS,
)
from connectors.wix.stand_in import (
    INSTANCE,
    Record,
    claims_of,
    contact_of,
    cursored,
    fits,
    order_of,
    refund_of,
    told_at,
)
from connectors.wix.stand_in_key import public_pem, token
from connectors.wix.triggers import WEBHOOK

SANDBOX_ACCOUNT = {
    "app_id": "5a1d0000-0000-4000-8000-00000000000a",
    "app_secret": "sandbox-wix-app-secret",
    "instance_id": INSTANCE,
    "hook_token": "sandbox-wix-hook-token",
    "public_pem": public_pem(),
    "currency": "EUR",
}
API_KEY = "sandbox-wix-api-key"


class WixSandbox(SendingSandbox):
    """Gives a token to the sandbox account's app; a member's balance may not fall below zero."""

    slug = "wix"
    webhook: ClassVar[Webhook] = WEBHOOK

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        self.token = "sandbox-wix-access"  # noqa: S105 - of the stand-in
        self.contacts: dict[str, Record] = {}
        self.orders: dict[str, Record] = {}
        self.refunds: dict[str, list[Record]] = {}
        self.accounts: dict[str, Record] = {}
        self.transactions: list[Record] = []
        self.coupons: dict[str, Record] = {}
        long_ago = "2024-03-01T08:00:00.000Z"
        self.meet("7001", "mila.brandt@shop.example", long_ago, phone="+15005550123")

    def meet(self, identity: str, email: str, when: str, *, phone: str = "") -> Record:
        """Keeps a contact."""
        self.contacts[identity] = contact_of(identity, email, when, phone=phone)
        return self.contacts[identity]

    def routes(self) -> Sequence[BaseRoute]:
        def route(path: str, answer: Any, *methods: str) -> Route:
            return Route(path, self._guarded(answer), methods=list(methods))

        return [
            Route("/oauth2/token", self._grant, methods=["POST"]),
            route(f"{CONTACTS}/query", self._query_contacts, "POST"),
            route(f"{CONTACTS}/{{id}}", self._contact, "GET", "PATCH"),
            route(f"{CONTACTS}/{{id}}/labels", self._label, "POST", "DELETE"),
            route(LABELS, self._find_label, "POST"),
            route(FIELDS, self._find_field, "POST"),
            route(ORDERS, self._search_orders, "POST"),
            route(f"{PAYMENTS}/{{id}}", self._payments, "GET"),
            route(f"{ACCOUNTS}/query", self._query_accounts, "POST"),
            route(ACCOUNTS, self._join, "POST"),
            route(f"{ACCOUNTS}/{{id}}", self._account, "GET"),
            route(f"{ACCOUNTS}/{{id}}/earn-points", self._earn, "POST"),
            route(f"{ACCOUNTS}/{{id}}/adjust-points", self._adjust, "POST"),
            route(f"{TRANSACTIONS}/query", self._query_transactions, "POST"),
            route(COUPONS, self._create_coupon, "POST"),
            route(f"{COUPONS}/query", self._query_coupons, "POST"),
        ]

    async def _grant(self, request: Request) -> Response:
        asked = await request.json()
        pairs = (("client_id", "app_id"), ("client_secret", "app_secret"))
        wrong = any(asked.get(name) != SANDBOX_ACCOUNT[field] for name, field in pairs)
        if wrong or asked.get("instance_id") != INSTANCE:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        content = {"access_token": self.token, "token_type": "Bearer", "expires_in": 14400}
        return JSONResponse(content)

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") not in (self.token, API_KEY):
                return _error(401, "Unauthenticated")
            found: Response = await answer(request)
            return found

        return guarded

    # --- contacts ----------------------------------------------------------------------------

    async def _query_contacts(self, request: Request) -> Response:
        query = (await request.json())["query"]
        wanted = query.get("filter", {})
        found = [one for one in self.contacts.values() if fits(one, wanted)]
        paging = query.get("paging", {})
        first, limit = paging.get("offset", 0), paging.get("limit", 50)
        part = found[first : first + limit]
        meta = {"count": len(part), "offset": first, "total": len(found)}
        return JSONResponse({"contacts": part, "pagingMetadata": meta})

    async def _contact(self, request: Request) -> Response:
        there = self.contacts.get(request.path_params["id"])
        if there is None:
            return _error(404, "Contact not found")
        if request.method == "PATCH":
            asked = await request.json()
            if asked["revision"] != there["revision"]:
                return _error(409, "Revision mismatch")
            there["info"].update(asked["info"])
            there["revision"] += 1
            self.record("fields", contact=there["id"], **asked["info"]["extendedFields"]["items"])
        return JSONResponse({"contact": there})

    async def _label(self, request: Request) -> Response:
        there = self.contacts.get(request.path_params["id"])
        if there is None:
            return _error(404, "Contact not found")
        keys = (await request.json())["labelKeys"]
        held = [one for one in there["info"]["labelKeys"]["items"] if one not in keys]
        there["info"]["labelKeys"]["items"] = held + (keys if request.method == "POST" else [])
        self.record("labels", contact=there["id"], keys=keys, given=request.method == "POST")
        return JSONResponse({"contact": there})

    async def _find_label(self, request: Request) -> Response:
        name = (await request.json())["displayName"]
        label = {"key": f"custom.{name.lower().replace(' ', '-')}", "displayName": name}
        return JSONResponse({"label": label, "newLabel": True})

    async def _find_field(self, request: Request) -> Response:
        name = (await request.json())["displayName"]
        field = {"key": f"custom.{name.lower().replace(' ', '')}", "displayName": name}
        return JSONResponse({"field": field, "newField": True})

    # --- orders ------------------------------------------------------------------------------

    async def _search_orders(self, request: Request) -> Response:
        search = (await request.json())["search"]
        found, meta = cursored(search, list(self.orders.values()), "updatedDate")
        return JSONResponse({"orders": found, "metadata": meta})

    async def _payments(self, request: Request) -> Response:
        identity = request.path_params["id"]
        told = {"orderId": identity, "payments": [], "refunds": self.refunds.get(identity, [])}
        return JSONResponse({"orderTransactions": told})

    # --- loyalty -----------------------------------------------------------------------------

    async def _query_accounts(self, request: Request) -> Response:
        wanted = (await request.json())["query"]["filter"]
        found = [one for one in self.accounts.values() if fits(one, wanted)]
        return JSONResponse({"loyaltyAccounts": found, "pagingMetadata": {"count": len(found)}})

    async def _join(self, request: Request) -> Response:
        return JSONResponse({"account": self.join((await request.json())["contactId"])})

    def join(self, contact_id: str) -> Record:
        """Makes a contact a member of the programme."""
        made = {"id": f"a-{contact_id}", "contactId": contact_id, "revision": "1"}
        self.accounts[made["id"]] = {**made, "points": {"balance": 0}}
        return self.accounts[made["id"]]

    async def _account(self, request: Request) -> Response:
        found = self.accounts.get(request.path_params["id"])
        return JSONResponse({"account": found}) if found else _error(404, "Account not found")

    async def _earn(self, request: Request) -> Response:
        asked = await request.json()
        for one in self.transactions:
            if one.get("idempotencyKey") == asked["idempotencyKey"]:
                return _error(409, "Already earned")
        more = {"idempotencyKey": asked["idempotencyKey"]}
        return self._booked(request.path_params["id"], asked, "EARN", more)

    async def _adjust(self, request: Request) -> Response:
        asked = await request.json()
        there = self.accounts.get(request.path_params["id"])
        if there is not None and asked.get("revision") != there["revision"]:
            return _error(409, "Revision mismatch")
        return self._booked(request.path_params["id"], asked, "ADJUST", {})

    def _booked(self, account_id: str, asked: Record, kind: str, more: Record) -> Response:
        there = self.accounts.get(account_id)
        if there is None:
            return _error(404, "Account not found")
        after = there["points"]["balance"] + asked["amount"]
        if after < 0:
            return _error(400, "The balance would be negative")
        there["points"] = {"balance": after}
        there["revision"] = str(int(there["revision"]) + 1)
        told = {"description": asked.get("description", ""), **more}
        made = self.book(account_id, asked["amount"], kind, **told)
        self.record("points", account=account_id, amount=asked["amount"], id=made["id"])
        return JSONResponse({"account": there, "transactionId": made["id"]})

    def book(self, account_id: str, amount: int, kind: str, **more: Any) -> Record:
        """Keeps a loyalty transaction."""
        made = {"id": str(uuid4()), "accountId": account_id, "amount": amount, **more}
        made |= {"transactionType": kind, "createdDate": told_at(datetime.now(UTC))}
        self.transactions.append(made)
        return made

    async def _query_transactions(self, request: Request) -> Response:
        query = (await request.json())["query"]
        found, meta = cursored(query, self.transactions, "createdDate")
        return JSONResponse({"loyaltyTransactions": found, "pagingMetadata": meta})

    # --- coupons -----------------------------------------------------------------------------

    async def _create_coupon(self, request: Request) -> Response:
        told = (await request.json())["specification"]
        if told["code"] in self.coupons or ("scope" in told and "minimumSubtotal" in told):
            return _error(400, "The code is taken, or there are both scope and minimum")
        made = {"id": str(uuid5(NAMESPACE_URL, told["code"])), "specification": told}
        self.coupons[told["code"]] = made
        self.record("coupon", coupon_id=made["id"], **told)
        return JSONResponse({"id": made["id"]})

    async def _query_coupons(self, request: Request) -> Response:
        wanted = json.loads((await request.json())["query"]["filter"])
        found = self.coupons.get(wanted["specification.code"])
        return JSONResponse({"coupons": [found] if found else [], "totalResults": bool(found)})

    # --- what it sends -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Nora signs up and orders twice: some of one goes back, the other is cancelled."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        first, later = told_at(at), told_at(at + timedelta(minutes=20))
        self.meet("7002", "nora.brandt@shop.example", first)
        self.orders["4501"] = order_of("4501", "7002", first, later, refunded="12.00")
        self.orders["4502"] = order_of("4502", "7002", first, later, status="CANCELED")
        self.refunds["4501"] = [refund_of("r-1", later)]
        self.book(self.join("7002")["id"], 100, "REDEEM", redeemInfo={"rewardId": "reward-1"})
        events = (
            "contacts.v4.contact_created",
            "ecom.v1.order_approved",
            "ecom.v1.order_payment_status_updated",
            "loyalty.v1.transaction_created",
        )
        return [(f"wix.{event}", {"entityId": "4501"}) for event in events]

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
        now = datetime.now(UTC)
        body = token(claims_of(topic, payload, now, delivery_id or str(uuid4())))
        query = {"token": account.hook_token.get_secret_value()}
        url = hook_url if "token=" in hook_url else self.webhook.address(hook_url, account)
        return InboundRequest("POST", url, {"content-type": "text/plain"}, body, now, query)

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


def _error(status: int, text: str) -> Response:
    return JSONResponse({"message": text, "details": {}}, status_code=status)
