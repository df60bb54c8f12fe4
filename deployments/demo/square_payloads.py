"""Square webhook bodies in the documented shapes (payment, refund and customer events)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from deployments.demo.cast import DemoDay, Person

Body = dict[str, Any]
MERCHANT = "MLAROMAHOUSE1"
LOCATION = "LHAFENSTRASSE"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _money(amount: Decimal) -> Body:
    return {"amount": int(amount * 100), "currency": "EUR"}


def _event(kind: str, event: str, thing: Body, *, at: datetime) -> Body:
    return {
        "merchant_id": MERCHANT,
        "type": f"{kind}.{event}",
        "event_id": f"evt-{thing['id']}-{event}-{thing.get('status', '')}".lower(),
        "created_at": _stamp(at),
        "data": {"type": kind, "id": thing["id"], "object": {kind: thing}},
    }


def customer_id(day: DemoDay, person: Person) -> str:
    """Square's ids are texts."""
    return f"CUST{day.stamp}{person.n:04d}"


def customer_created(day: DemoDay, person: Person) -> Body:
    """customer.created."""
    at = day.joining_of(person)
    thing = {
        "id": customer_id(day, person),
        "created_at": _stamp(at),
        "updated_at": _stamp(at),
        "given_name": person.first,
        "family_name": person.last,
        "email_address": person.email(day),
        "phone_number": person.phone(day),
        "address": {"country": person.country},
        "preferences": {"email_unsubscribed": person.email_consent == "unsubscribed"},
        "creation_source": "DIRECTORY",
        "version": 0,
    }
    return _event("customer", "created", thing, at=at)


def payment(
    day: DemoDay,
    n: int,
    amount: str,
    *,
    at: datetime,
    event: str = "created",
    status: str = "COMPLETED",
    buyer: Person | None = None,
) -> Body:
    """payment.created and payment.updated."""
    value = Decimal(amount)
    thing = {
        "id": f"PAY{day.stamp}{n:04d}",
        "created_at": _stamp(at),
        "updated_at": _stamp(at),
        "amount_money": _money(value),
        "total_money": _money(value),
        "status": status,
        "source_type": "CARD" if buyer else "CASH",
        "location_id": LOCATION,
        "order_id": f"ORD{day.stamp}{n:04d}",
        "receipt_number": f"{n:04d}",
    }
    if buyer:
        thing["customer_id"] = customer_id(day, buyer)
    return _event("payment", event, thing, at=at)


def refund(
    day: DemoDay, n: int, paid: Body, amount: str, *, at: datetime, event: str, status: str
) -> Body:
    """refund.created and refund.updated. The refund has an order of its own, as at Square."""
    sale = paid["data"]["object"]["payment"]
    thing = {
        "id": f"{sale['id']}_REF{n:04d}",
        "status": status,
        "payment_id": sale["id"],
        "order_id": f"RET{day.stamp}{n:04d}",
        "location_id": LOCATION,
        "amount_money": _money(Decimal(amount)),
        "reason": "broken on the way home",
        "created_at": _stamp(at),
        "updated_at": _stamp(at),
    }
    return _event("refund", event, thing, at=at)
