"""What the stand-in of Wix keeps and tells: events, orders, refunds, and how it looks them up."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

INSTANCE = "5a1d0000-0000-4000-8000-000000000001"
Record = dict[str, Any]


def claims_of(topic: str, payload: Record, now: datetime, event_id: str) -> Record:
    """What stands in the token of a webhook: text of JSON within text of JSON."""
    inner = {"id": event_id, "eventTime": told_at(now), **payload}
    data = {"eventType": topic, "instanceId": INSTANCE, "data": json.dumps(inner)}
    issued = int(now.timestamp())
    return {"data": json.dumps(data), "iat": issued, "exp": issued + 3 * 86400}


def contact_of(identity: str, email: str, when: str, *, phone: str = "") -> Record:
    """A contact who subscribed to e-mails and said nothing about texts."""
    info = {
        "name": {"first": email.split(".", maxsplit=1)[0].capitalize(), "last": "Brandt"},
        "emails": {"items": [{"email": email, "primary": True}]},
        "phones": {"items": [{"phone": phone}] if phone else []},
        "labelKeys": {"items": []},
        "extendedFields": {"items": {}},
    }
    return {
        "id": identity,
        "revision": 1,
        "createdDate": when,
        "updatedDate": when,
        "info": info,
        "primaryEmail": {"email": email, "subscriptionStatus": "SUBSCRIBED"},
        "primaryPhone": {"phone": phone, "subscriptionStatus": "NOT_SET"},
    }


def order_of(
    identity: str,
    contact: str,
    created: str,
    updated: str,
    *,
    status: str = "APPROVED",
    refunded: str = "0.00",
) -> Record:
    """A paid order of two pieces of Sencha."""
    line = {"id": f"l-{identity}", "productName": {"original": "Sencha"}, "quantity": 2,
            "catalogReference": {"catalogItemId": "p-1"}, "price": {"amount": "12.00"},
            "physicalProperties": {"sku": "SEN"}, "totalPriceBeforeTax": {"amount": "24.00"},
            "taxInfo": {"totalTax": {"amount": "0.00"}}}  # fmt: skip
    return {
        "id": identity,
        "number": 10042,
        "status": status,
        "paymentStatus": "PAID" if refunded == "0.00" else "PARTIALLY_REFUNDED",
        "createdDate": created,
        "updatedDate": updated,
        "currency": "EUR",
        "lineItems": [line],
        "buyerInfo": {"contactId": contact, "email": "nora.brandt@shop.example"},
        "priceSummary": {"subtotal": {"amount": "24.00"}, "shipping": {"amount": "0.00"},
                         "tax": {"amount": "0.00"}, "total": {"amount": "24.00"}},
        "balanceSummary": {"refunded": {"amount": refunded}},
        "channelInfo": {"type": "WEB"},
    }  # fmt: skip


def refund_of(identity: str, when: str, *, status: str = "SUCCEEDED") -> Record:
    """One of the two pieces goes back."""
    part = {"paymentId": "pay-1", "amount": {"amount": "12.00"}, "refundStatus": status}
    items = [{"lineItemId": "l-4501", "quantity": 1}]
    return {"id": identity, "createdDate": when, "details": {"items": items},
            "transactions": [part]}  # fmt: skip


def told_at(moment: datetime) -> str:
    """A time as Wix writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fits(record: Record, wanted: Record) -> bool:
    """Whether a record is what a filter asks for."""
    for name, value in wanted.items():
        if name == "info.emails.email":
            held = [one["email"] for one in record["info"]["emails"]["items"]]
        elif name == "info.phones.phone":
            held = [one["phone"] for one in record["info"]["phones"]["items"]]
        else:
            held = [record.get(name)]
        if isinstance(value, dict):
            if not all(str(one) >= value["$gte"] for one in held):
                return False
        elif value not in held:
            return False
    return True


def cursored(query: Record, records: list[Record], by: str) -> tuple[list[Record], Record]:
    """One record a page, so that cursors have to be followed; a cursor holds its question."""
    cursor = query["cursorPaging"].get("cursor")
    asked = json.loads(cursor) if cursor else {"filter": query["filter"], "place": 0}
    down = (query.get("sort") or [{}])[0].get("order") == "DESC"
    found = [one for one in records if fits(one, asked["filter"])]
    found.sort(key=lambda one: str(one[by]), reverse=asked.get("down", down))
    place = asked["place"]
    following = json.dumps({**asked, "down": asked.get("down", down), "place": place + 1})
    more = place + 1 < len(found)
    meta = {"count": 1, "hasNext": more, "cursors": {"next": following} if more else {}}
    return found[place : place + 1], meta
