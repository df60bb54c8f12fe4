"""Shopify webhook bodies in the documented shapes (REST customer, order and refund)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from deployments.demo.cast import DemoDay, Goods, Person

Body = dict[str, Any]
Basket = Sequence[tuple[Goods, int]]


def money_set(amount: Decimal) -> Body:
    """An amount in the shop's and in the customer's currency; here both are EUR."""
    both = {"amount": f"{amount:.2f}", "currency_code": "EUR"}
    return {"shop_money": both, "presentment_money": both}


def customer(day: DemoDay, person: Person, *, updated: datetime | None = None) -> Body:
    """customers/create and customers/update."""
    number = day.number(person.n)
    created = day.joining_of(person)
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Customer/{number}",
        "email": person.email(day),
        "phone": person.phone(day),
        "first_name": person.first,
        "last_name": person.last,
        "state": "disabled",
        "verified_email": True,
        "tags": "newsletter, aroma club",
        "currency": "EUR",
        "created_at": created.isoformat(),
        "updated_at": (updated or created).isoformat(),
        "default_address": {"country_code": person.country, "default": True},
        "email_marketing_consent": _consent(person.email_consent, created),
        "sms_marketing_consent": _consent(person.sms_consent, created),
    }


def _consent(state: str, at: datetime) -> Body:
    stated = at.isoformat() if state != "not_subscribed" else None
    return {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": stated}


def email_consent(day: DemoDay, person: Person, state: str, *, at: datetime) -> Body:
    """customers_email_marketing_consent/update."""
    return {
        "customer_id": day.number(person.n),
        "email_address": person.email(day),
        "email_marketing_consent": _consent(state, at),
    }


def sms_consent(day: DemoDay, person: Person, state: str, *, at: datetime) -> Body:
    """customers_marketing_consent/update."""
    return {
        "id": day.number(person.n),
        "phone": person.phone(day),
        "sms_marketing_consent": {**_consent(state, at), "consent_collected_from": "SHOPIFY"},
    }


def order(
    day: DemoDay, n: int, basket: Basket, *, at: datetime, buyer: Person | None = None
) -> Body:
    """orders/paid: paid in the moment it was placed."""
    number = day.number(n)
    lines = [_line(day, number, i, goods, pieces) for i, (goods, pieces) in enumerate(basket)]
    total = sum((goods.price * pieces for goods, pieces in basket), Decimal(0))
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": f"#{n}",
        "order_number": n,
        "email": buyer.email(day) if buyer else "",
        "phone": None,
        "created_at": at.isoformat(),
        "processed_at": at.isoformat(),
        "updated_at": at.isoformat(),
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": "EUR",
        "presentment_currency": "EUR",
        "customer_locale": "en-IE",
        "financial_status": "paid",
        "fulfillment_status": None,
        "source_name": "web" if buyer else "pos",
        "taxes_included": False,
        "test": False,
        "total_line_items_price": f"{total:.2f}",
        "subtotal_price": f"{total:.2f}",
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "total_tip_received": "0.00",
        "total_outstanding": "0.00",
        "total_price": f"{total:.2f}",
        "total_price_set": money_set(total),
        "current_total_price": f"{total:.2f}",
        "discount_codes": [],
        "tax_lines": [],
        "shipping_lines": [],
        "refunds": [],
        "line_items": lines,
        "customer": customer(day, buyer) if buyer else None,
    }


def _line(day: DemoDay, order_number: int, index: int, goods: Goods, pieces: int) -> Body:
    return {
        "id": order_number * 100 + index,
        "product_id": day.number(goods.n),
        "variant_id": day.number(goods.n) * 10,
        "sku": goods.sku,
        "title": goods.title,
        "name": goods.title,
        "quantity": pieces,
        "current_quantity": pieces,
        "price": f"{goods.price:.2f}",
        "price_set": money_set(goods.price),
        "total_discount": "0.00",
        "discount_allocations": [],
        "tax_lines": [],
        "gift_card": False,
        "taxable": True,
        "requires_shipping": True,
    }


def updated(body: Body, *, at: datetime) -> Body:
    """orders/updated with nothing changed but the time."""
    return {**body, "updated_at": at.isoformat()}


def cancelled(body: Body, reason: str, *, at: datetime) -> Body:
    """orders/cancelled."""
    return {
        **updated(body, at=at),
        "cancelled_at": at.isoformat(),
        "cancel_reason": reason,
        "financial_status": "refunded",
    }


def refund(day: DemoDay, n: int, body: Body, taken: dict[int, int], *, at: datetime) -> Body:
    """refunds/create: so many pieces of the order's lines (by index) go back, with the money."""
    number = day.number(n)
    lines = []
    total = Decimal(0)
    for index, pieces in taken.items():
        line = body["line_items"][index]
        value = Decimal(line["price"]) * pieces
        total += value
        lines.append(_refund_line(number * 100 + index, line, pieces, value))
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Refund/{number}",
        "order_id": body["id"],
        "created_at": at.isoformat(),
        "processed_at": at.isoformat(),
        "note": "returned to the shop",
        "restock": True,
        "order_adjustments": [],
        "refund_line_items": lines,
        "transactions": [
            {
                "id": number * 10,
                "order_id": body["id"],
                "kind": "refund",
                "gateway": "shopify_payments",
                "status": "success",
                "amount": f"{total:.2f}",
                "currency": "EUR",
                "created_at": at.isoformat(),
            }
        ],
    }


def _refund_line(number: int, line: Body, pieces: int, value: Decimal) -> Body:
    return {
        "id": number,
        "line_item_id": line["id"],
        "quantity": pieces,
        "restock_type": "return",
        "subtotal": float(value),
        "subtotal_set": money_set(value),
        "total_tax": 0.0,
        "total_tax_set": money_set(Decimal(0)),
        "line_item": line,
    }
