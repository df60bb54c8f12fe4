"""What Square's orders tell of a sale that its payment does not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.square.orders import order_paid
from connectors.square.triggers import parse_payment, parse_refund
from loyalty.eligibility import EligibilityPolicy, eligible_amount
from loyalty.events import EventType, Order
from loyalty.money import MoneyError

SOURCE = Source("square", "main")
REQUEST = InboundRequest("GET", "", {}, b"", datetime(2026, 1, 15, tzinfo=UTC))


def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def line(total: int, *, tax: int = 0, discount: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "uid": "line-1",
        "name": "Neroli oil",
        "variation_name": "5 ml",
        "quantity": "1",
        "catalog_object_id": "NEROLI5",
        "total_money": money(total),
        "total_tax_money": money(tax),
        "total_discount_money": money(discount),
        **more,
    }


def order(**changes: Any) -> dict[str, Any]:
    """Two oils of 30.00 with 10 % off, 23 % tax on top, service and a tip."""
    return {
        "id": "ORD1",
        "state": "COMPLETED",
        "customer_id": "CUST1",
        "line_items": [
            line(6642, tax=1242, discount=600, quantity="2", base_price_money=money(3000))
        ],
        "tenders": [
            {"id": "T1", "payment_id": "PAY1", "type": "CARD", "amount_money": money(7342)}
        ],
        "total_money": money(7342),
        "total_tax_money": money(1242),
        "total_service_charge_money": money(200),
        "total_tip_money": money(500),
        "created_at": "2026-01-14T09:30:00Z",
        "updated_at": "2026-01-14T09:31:30Z",
        "closed_at": "2026-01-14T09:31:00.5Z",
        **changes,
    }


def told(**changes: Any) -> Order:
    [event] = order_paid(order(**changes), SOURCE)
    assert isinstance(event.data, Order)
    return event.data


def test_the_lines_are_net_and_everything_adds_up() -> None:
    found = told()
    [one] = found.lines
    assert (one.net, one.discount, one.tax) == (Decimal("54.00"), Decimal("6.00"), Decimal("12.42"))
    assert (one.quantity, one.unit_price, one.title) == (2, Decimal("30.00"), "Neroli oil 5 ml")
    assert one.net + found.tax + found.shipping + found.tip == found.total == Decimal("73.42")
    assert eligible_amount(found, EligibilityPolicy()) == Decimal("54.00")


def test_a_price_that_includes_its_tax_gives_the_same_net() -> None:
    """5.00 with 0.83 tax within: only the line's total is the same everywhere."""
    [one] = told(line_items=[line(500, tax=83, base_price_money=money(500))]).lines
    assert (one.net, one.gross) == (Decimal("4.17"), Decimal("4.17"))


def test_it_is_the_sale_of_its_payment_and_refunds_lead_to_it() -> None:
    [event] = order_paid(order(), SOURCE)
    paid = {"id": "PAY1", "status": "COMPLETED", "amount_money": money(6842)}
    paid["created_at"] = "2026-01-14T09:31:00Z"
    back = {**paid, "id": "REF1", "payment_id": "PAY1"}
    [payment] = parse_payment({"data": {"object": {"payment": paid}}}, REQUEST, SOURCE)
    [refund] = parse_refund({"data": {"object": {"refund": back}}}, REQUEST, SOURCE)
    assert event.type is EventType.ORDER_PAID
    assert event.data.id == payment.data.id == refund.data.order_id == "PAY1"
    assert event.key == "ORD1"
    assert event.time == datetime(2026, 1, 14, 9, 31, 0, 500_000, tzinfo=UTC)
    assert event.subject == "square/main:customer:CUST1"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "OPEN"},
        {"state": "CANCELED"},
        {"tenders": []},
        {"tenders": None},
        {"tenders": [{"id": "T1"}, {"id": "T2"}]},
        {"tenders": [{"type": "CASH"}]},
        {"returns": [{"source_order_id": "ORD0"}]},
        {"line_items": []},
    ],
    ids=str,
)
def test_what_is_no_single_sale_stays_with_its_payments(changes: dict[str, Any]) -> None:
    assert not order_paid(order(**changes), SOURCE)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("CARD", "card"), ("CASH", "cash"), ("SQUARE_GIFT_CARD", "gift_card"), ("WALLET", "other")],
)
def test_how_it_was_paid_is_told(kind: str, expected: str) -> None:
    tender = {"id": "PAY1", "type": kind, "amount_money": money(7342), "customer_id": "CUST2"}
    found = told(tenders=[tender], customer_id=None)
    assert [one.kind for one in found.tenders] == [expected]
    assert found.id == "PAY1"
    assert found.customer is not None
    assert found.customer.id == "CUST2"


@pytest.mark.parametrize(("quantity", "pieces"), [("3", 3), ("1.25", 1), ("2.0", 2), ("0", 0)])
def test_goods_by_weight_are_one_piece(quantity: str, pieces: int) -> None:
    [one] = told(line_items=[line(1000, quantity=quantity)]).lines
    assert (one.quantity, one.net) == (pieces, Decimal("10.00"))


def test_a_gift_card_is_known_as_one() -> None:
    [one] = told(line_items=[line(1000, item_type="GIFT_CARD")]).lines
    assert one.is_gift_card


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"line_items": [line(1, quantity="many")]}, "has no quantity"),
        ({"line_items": [line(1, quantity="NaN")]}, "out of range"),
        ({"line_items": [line(1, quantity="-1")]}, "out of range"),
        ({"line_items": [line(1, total_tax_money=money(1, "USD"))]}, "amounts in USD and EUR"),
        ({"line_items": [line(1, total_money=None)]}, "has no amount"),
        ({"total_money": None}, "has no amount"),
        ({"total_money": money(-1)}, "negative"),
        ({"total_money": money(1, "SQR")}, "unknown currency"),
        ({"closed_at": None, "updated_at": None, "created_at": None}, "no time"),
        ({"id": ""}, "id"),
    ],
)
def test_an_order_that_cannot_be_trusted_is_refused_in_words(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises((Unreadable, MoneyError, ValidationError), match=says):
        order_paid(order(**changes), SOURCE)
