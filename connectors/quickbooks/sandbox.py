"""A stand-in for a QuickBooks company: rotating tokens, queries, sales receipts, webhooks."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.capabilities import Whom
from connectors.kit.outgoing import SendingSandbox
from connectors.kit.webhook import Webhook
from connectors.kit.window import Window
from connectors.quickbooks.triggers import WEBHOOK

REALM = "9341453000000001"
SANDBOX_ACCOUNT = {
    "realm_id": REALM,
    "client_id": "sandbox-intuit-app",
    "client_secret": "sandbox-intuit-client-secret",
    "refresh_token": "sandbox-intuit-refresh-0",
    "verifier_token": "sandbox-intuit-verifier-token",
    "item_id": "19",
    "currency": "EUR",
}
PLACE = re.compile(r"select \* from (\w+)\s*(.*?)(?: startposition (\d+) maxresults (\d+))?")
Record = dict[str, Any]


class QuickbooksSandbox(SendingSandbox):
    """Gives out tokens, each good until the next; a refresh token is good once.

    Attributes:
        books: Customers and sales receipts by number.
        replies: By request id: the same one again books nothing.
        page: The most that a query answers, whatever is asked for.
    """

    slug = "quickbooks"
    webhook: ClassVar[Webhook] = WEBHOOK
    examples: ClassVar[Mapping[str, Sequence[BaseModel]]] = {
        "find_customer": (Whom(email="mila.brandt@shop.example"),)
    }

    def __init__(self, *, calls: int = 500) -> None:
        super().__init__()
        self._window = Window(calls, 60.0)
        self._numbers = count(1)
        self.refresh = SANDBOX_ACCOUNT["refresh_token"]
        self.token = ""
        self.replies: dict[str, Record] = {}
        self.books: dict[str, dict[str, Record]] = {"Customer": {}, "SalesReceipt": {}}
        mila: Record = {"Id": "7001", "GivenName": "Mila", "FamilyName": "Brandt"}
        mila |= {"DisplayName": "Mila Brandt", "Active": True, "Job": False, "Balance": 12.5}
        mila["PrimaryEmailAddr"] = {"Address": "mila.brandt@shop.example"}
        self.put("Customer", mila, at=datetime(2024, 3, 1, 8, tzinfo=UTC))

    def account_at(self, base_url: str) -> dict[str, Any]:
        return {**SANDBOX_ACCOUNT, "base_url": base_url, "auth_url": base_url}

    def put(self, entity: str, record: Record, *, at: datetime | None = None) -> Record:
        """Keeps a record, changed at this moment."""
        moment = (at or datetime.now(UTC)).isoformat(timespec="seconds")
        there = self.books[entity].get(record["Id"])
        created = there["MetaData"]["CreateTime"] if there else moment
        kept = {**record, "SyncToken": "0", "domain": "QBO", "sparse": False}
        kept["MetaData"] = {"CreateTime": created, "LastUpdatedTime": moment}
        self.books[entity][record["Id"]] = kept
        return kept

    def routes(self) -> Sequence[BaseRoute]:
        company = f"/v3/company/{REALM}"
        return [
            Route("/oauth2/v1/tokens/bearer", self._renew, methods=["POST"]),
            Route(f"{company}/query", self._guarded(self._query), methods=["GET"]),
            Route(f"{company}/salesreceipt", self._guarded(self._book), methods=["POST"]),
        ]

    async def _renew(self, request: Request) -> Response:
        pair = f"{SANDBOX_ACCOUNT['client_id']}:{SANDBOX_ACCOUNT['client_secret']}"
        good = f"Basic {b64encode(pair.encode()).decode()}"
        if request.headers.get("authorization") != good:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        form = await request.form()
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        number = next(self._numbers)
        self.refresh = f"sandbox-intuit-refresh-{number}"
        self.token = f"sandbox-intuit-access-{number}"
        content = {"token_type": "bearer", "access_token": self.token, "expires_in": 3600}
        content |= {"refresh_token": self.refresh, "x_refresh_token_expires_in": 8726400}
        return JSONResponse(content)

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return _fault(401, "3200", "message=AuthenticationFailed", "AUTHENTICATION")
            if self._window.take():
                return _fault(429, "3001", "message=ThrottleExceeded", "THROTTLE")
            found: Response = await answer(request)
            return found

        return guarded

    async def _query(self, request: Request) -> Response:
        asked = PLACE.fullmatch(request.query_params["query"].strip())
        if asked is None:
            return _fault(400, "4000", "Error parsing query", "ValidationFault")
        entity, where = asked[1], asked[2]
        if entity == "CompanyInfo":
            return _answer(entity, [{"CompanyName": "Aroma House"}])
        found = [one for one in self.books[entity].values() if _fits(one, where)]
        found.sort(key=lambda one: one["MetaData"]["LastUpdatedTime"])
        start, most = int(asked[3] or 1) - 1, int(asked[4] or 100)
        self.record("query", entity=entity, where=where)
        return _answer(entity, found[start : start + most])

    async def _book(self, request: Request) -> Response:
        request_id = request.query_params.get("requestid", "")
        if request_id and request_id in self.replies:
            return JSONResponse(self.replies[request_id])
        given = await request.json()
        if not given.get("Line"):
            return _fault(400, "2020", "Required parameter Line is missing", "ValidationFault")
        signs = {"SalesItemLineDetail": 1, "DiscountLineDetail": -1}
        total = sum(signs[one["DetailType"]] * one["Amount"] for one in given["Line"])
        total += (given.get("TxnTaxDetail") or {}).get("TotalTax", 0)
        number = str(next(self._numbers) + 150)
        made = self.put("SalesReceipt", {**given, "Id": number, "TotalAmt": round(total, 2)})
        self.replies[request_id] = {"SalesReceipt": made, "time": made["MetaData"]["CreateTime"]}
        self.record("receipt", **made)
        return JSONResponse(self.replies[request_id])

    # --- what it sends -----------------------------------------------------------------------

    def stage(self) -> Sequence[tuple[str, dict[str, Any]]]:
        """Nora is entered and buys; her receipt is changed, and another one voided."""
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
        nora = {"Id": "7002", "GivenName": "Nora", "FamilyName": "Weber", "Active": True}
        self.put("Customer", nora, at=at)
        sale = sale_of("201", "7002")
        self.put("SalesReceipt", sale, at=at + timedelta(minutes=1))
        self.put("SalesReceipt", {**sale, "DocNumber": "1042-A"}, at=at + timedelta(minutes=5))
        void = {**sale_of("202", "7002"), "TotalAmt": 0, "PrivateNote": "Voided"}
        self.put("SalesReceipt", void, at=at + timedelta(minutes=6))
        kinds = (("Customer", "7002", "created"), ("SalesReceipt", "201", "updated"))
        return [(entity, {"id": number, "operation": done}) for entity, number, done in kinds]

    def headers_for(self, topic: str, delivery_id: str, account: Any) -> Mapping[str, str]:
        return {}

    def body_for(self, topic: str, payload: dict[str, Any], delivery_id: str) -> Any:
        """One CloudEvent; what stands in a payload already as Intuit sends it stays so."""
        if not isinstance(payload, dict) or "eventNotifications" in payload:
            return payload
        entity, _, done = topic.partition(".")
        operation = done or payload.get("operation", "updated")
        return [
            {
                "specversion": "1.0",
                "id": delivery_id,
                "source": "intuit.c2FuZGJveA==",
                "type": f"qbo.{entity.lower()}.{operation}.v1",
                "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                "intuitentityid": str(payload.get("id", "1")),
                "intuitaccountid": REALM,
                "data": {},
            }
        ]


def sale_of(number: str, customer: str) -> Record:
    """A receipt over two packets of Sencha, sent for 4.90, with a discount and tax."""
    item = {"ItemRef": {"value": "19", "name": "Sencha"}, "Qty": 2, "UnitPrice": 12}
    ship = {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}
    lines: list[Record] = [
        {"Id": "1", "Amount": 24.0, "Description": "Sencha", "SalesItemLineDetail": item},
        {"Amount": 4.9, "SalesItemLineDetail": ship},
    ]
    for one in lines:
        one["DetailType"] = "SalesItemLineDetail"
    lines.append({"Amount": 28.9, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
    discount = {"PercentBased": False}
    lines.append(
        {"Amount": 2.4, "DetailType": "DiscountLineDetail", "DiscountLineDetail": discount}
    )
    return {
        "Id": number,
        "DocNumber": f"10{number}",
        "TxnDate": "2026-11-02",
        "CurrencyRef": {"value": "EUR", "name": "Euro"},
        "CustomerRef": {"value": customer, "name": "Nora Weber"},
        "BillEmail": {"Address": "nora.weber@shop.example"},
        "Line": lines,
        "TxnTaxDetail": {"TotalTax": 4.56},
        "TotalAmt": 31.06,
    }


def _fits(record: Record, where: str) -> bool:
    """The three conditions that the connector asks by."""
    if found := re.search(r"MetaData\.LastUpdatedTime >= '([^']+)'", where):
        changed = datetime.fromisoformat(record["MetaData"]["LastUpdatedTime"])
        return changed >= datetime.fromisoformat(found[1])
    if found := re.search(r"PrimaryEmailAddr = '((?:[^'\\]|\\.)*)'", where):
        address = (record.get("PrimaryEmailAddr") or {}).get("Address", "")
        return bool(address.lower() == found[1].replace("\\'", "'").lower())
    if found := re.search(r"(Id|DocNumber) = '((?:[^'\\]|\\.)*)'", where):
        return bool(record.get(found[1]) == found[2].replace("\\'", "'"))
    return True


def _answer(entity: str, found: list[Record]) -> Response:
    answer: Record = {entity: found, "startPosition": 1, "maxResults": len(found)} if found else {}
    return JSONResponse({"QueryResponse": answer, "time": datetime.now(UTC).isoformat()})


def _fault(status: int, code: str, detail: str, kind: str) -> Response:
    error = {"Message": "A fault", "Detail": detail, "code": code}
    return JSONResponse({"Fault": {"Error": [error], "type": kind}}, status_code=status)
