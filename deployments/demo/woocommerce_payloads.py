"""WooCommerce webhook bodies in the documented shapes (wc/v3 customer and order)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from deployments.demo.cast import DemoDay, Goods, Person

Body = dict[str, Any]
Basket = Sequence[tuple[Goods, int]]


def _times(name: str, at: datetime | None) -> Body:
    """WooCommerce writes each time twice, both without an offset: local, and in UTC."""
    if at is None:
        return {f"date_{name}": None, f"date_{name}_gmt": None}
    local, utc = at.replace(tzinfo=None), at.astimezone(UTC).replace(tzinfo=None)
    return {f"date_{name}": local.isoformat(), f"date_{name}_gmt": utc.isoformat()}


def _billing(day: DemoDay, person: Person) -> Body:
    return {
        "first_name": person.first,
        "last_name": person.last,
        "company": "",
        "country": person.country,
        "email": person.email(day),
        "phone": person.phone(day),
    }


def customer(day: DemoDay, person: Person) -> Body:
    """customer.created."""
    at = day.joining_of(person)
    return {
        "id": day.number(person.n),
        **_times("created", at),
        **_times("modified", at),
        "email": person.email(day),
        "first_name": person.first,
        "last_name": person.last,
        "role": "customer",
        "username": f"{person.first.lower()}.{day.stamp}",
        "billing": _billing(day, person),
        "is_paying_customer": False,
        "meta_data": [],
    }


def order(
    day: DemoDay,
    n: int,
    basket: Basket,
    *,
    at: datetime,
    buyer: Person,
    is_guest: bool = False,
    coupon: Decimal = Decimal(0),
) -> Body:
    """order.created, waiting for the payment. A coupon takes its value off the first line."""
    number = day.number(n)
    lines = [_line(day, number, i, goods, pieces) for i, (goods, pieces) in enumerate(basket)]
    lines[0]["total"] = f"{Decimal(lines[0]['subtotal']) - coupon:.2f}"
    total = sum((Decimal(line["total"]) for line in lines), Decimal(0))
    return {
        "id": number,
        "parent_id": 0,
        "number": str(n),
        "status": "pending",
        "currency": "EUR",
        "prices_include_tax": True,
        "created_via": "checkout",
        "customer_id": 0 if is_guest else day.number(buyer.n),
        **_times("created", at),
        **_times("modified", at),
        **_times("paid", None),
        **_times("completed", None),
        "discount_total": f"{coupon:.2f}",
        "shipping_total": "0.00",
        "total_tax": "0.00",
        "total": f"{total:.2f}",
        "billing": _billing(day, buyer),
        "payment_method": "stripe",
        "line_items": lines,
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": [_coupon(number, coupon)] if coupon else [],
        "refunds": [],
    }


def _line(day: DemoDay, order_number: int, index: int, goods: Goods, pieces: int) -> Body:
    value = f"{goods.price * pieces:.2f}"
    return {
        "id": order_number * 100 + index,
        "name": goods.title,
        "product_id": day.number(goods.n),
        "variation_id": 0,
        "quantity": pieces,
        "tax_class": "",
        "subtotal": value,
        "subtotal_tax": "0.00",
        "total": value,
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": [],
        "sku": goods.sku,
        "price": float(goods.price),
    }


def _coupon(order_number: int, value: Decimal) -> Body:
    return {
        "id": order_number * 100 + 90,
        "code": "welcome5",
        "discount": f"{value:.2f}",
        "discount_tax": "0.00",
    }


def with_status(body: Body, status: str, *, at: datetime, paid: datetime | None = None) -> Body:
    """order.updated: another state, and when it was paid where it was."""
    times = {**_times("modified", at), **(_times("paid", paid) if paid else {})}
    return {**body, **times, "status": status}


def with_refund(
    day: DemoDay, n: int, body: Body, amount: Decimal, *, at: datetime, is_full: bool = False
) -> Body:
    """order.updated with one more entry among the order's refunds."""
    entry = {"id": day.number(n), "reason": "did not like it", "total": f"-{amount:.2f}"}
    status = "refunded" if is_full else body["status"]
    return {**with_status(body, status, at=at), "refunds": [*body["refunds"], entry]}
