"""What happens at the sandbox's shop: orders and refunds in the vendor's documented shape."""

from __future__ import annotations

from typing import Any


def customer(identity: str, email: str, when: str) -> dict[str, Any]:
    """A customer as the API and the webhooks tell them."""
    return {
        "id": identity,
        "email": email,
        "phone": "0015005550123" if identity == "7001" else "",
        "first_name": email.partition(".")[0].title(),
        "last_name": "Brandt",
        "tags": "silver,newsletter",
        "language": "en",
        "accepts_marketing": True,
        "accepts_marketing_updated_at": when,
        "accepts_mobile_marketing": False,
        "created_at": when,
        "updated_at": when,
    }


def order(identity: str, who: dict[str, Any], when: str) -> dict[str, Any]:
    """A paid order of two packets of tea."""
    line = {"title": "Sencha", "quantity": 2, "price": "12.00", "sku": "TEA-1", "tax_lines": []}
    return {
        "id": identity,
        "name": f"#{identity[-4:]}",
        "currency": "EUR",
        "status": "open",
        "financial_status": "paid",
        "created_at": when,
        "processed_at": when,
        "updated_at": when,
        "subtotal_price": "24.00",
        "current_subtotal_price": "24.00",
        "current_total_price": "24.00",
        "taxes_included": False,
        "customer": {name: who[name] for name in ("id", "email", "first_name", "last_name")},
        "line_items": [{"id": f"{identity}1", "product_id": "160501", **line}],
        "refunds": [],
    }


def refund(of: dict[str, Any], when: str) -> dict[str, Any]:
    """One of the two packets goes back."""
    line = {"line_item_id": of["line_items"][0]["id"], "quantity": 1, "restock_type": "return"}
    money = {"kind": "refund", "status": "success", "amount": "12.00", "currency": "EUR"}
    return {
        "id": f"{of['id']}9",
        "order_id": of["id"],
        "created_at": when,
        "processed_at": when,
        "note": "",
        "refund_line_items": [{**line, "subtotal": 12.0, "total_tax": 0.0}],
        "transactions": [money],
        "order_adjustments": [],
    }
