"""What is left of a sale: never more than before, never below zero, the same in any order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.eligibility import EligibilityPolicy, eligible_amount
from loyalty.events import Order, Payment, Refund
from loyalty.facts import MemberFacts
from loyalty.sales import Sale

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def sale_of(data: Order | Payment, *refunds: Refund, is_cancelled: bool = False) -> Sale:
    """A sale with refunds."""
    return Sale(
        store="shop",
        order_id="1",
        member_id=UUID(int=1),
        kind="order" if isinstance(data, Order) else "payment",
        data=data,
        occurred_at=NOON,
        version="v",
        facts=MemberFacts(),
        refunds=list(refunds),
        is_cancelled=is_cancelled,
    )


def order(total: str, *prices: str, discount: str = "0", **more: Any) -> Order:
    """An order with lines L1, L2, … of one piece each; `*` marks a gift card."""
    lines = [
        {"id": f"L{n}", "quantity": 1, "unit_price": price.strip("*"), "is_gift_card": "*" in price}
        for n, price in enumerate(prices, 1)
    ]
    fields = {"id": "1", "currency": "EUR", "total": total, "lines": lines, "discount": discount}
    return Order.model_validate({**fields, **more})


def refund(amount: str = "0", *lines: tuple[str, int, str], full: bool = False) -> Refund:
    """A refund of (line, quantity, amount)."""
    parts = [{"line_id": at, "quantity": n, "amount": money} for at, n, money in lines]
    return Refund.model_validate(
        {"id": "r", "order_id": "1", "currency": "EUR", "amount": amount, "full": full,
         "lines": parts}
    )  # fmt: skip


def eligible(data: Order | Payment | None) -> Decimal:
    """What of it earns points."""
    assert data is None or isinstance(data, Order)
    return Decimal(0) if data is None else eligible_amount(data, EligibilityPolicy())


@pytest.mark.parametrize(
    ("sold", "refunds", "left"),
    [
        pytest.param(order("30", "10", "20"), [], "30", id="nothing given back"),
        pytest.param(order("30", "10", "20"), [refund("20", ("L2", 1, "20"))], "10", id="a line"),
        pytest.param(order("30", "10", "20"), [refund("5", ("L2", 0, "5"))], "25", id="a rebate"),
        pytest.param(order("30", "10", "20"), [refund("15")], "15", id="an amount"),
        pytest.param(order("30", "10", "20"), [refund("15"), refund("15")], None, id="all of it"),
        pytest.param(order("30", "10", "20"), [refund("40")], None, id="more than all"),
        pytest.param(order("30", "10", "20"), [refund(full=True)], None, id="in full"),
        pytest.param(
            order("27", "10", "20", discount="3"),
            [refund("18", ("L2", 1, "18"))],
            "9",
            id="the discount was shared",
        ),
        pytest.param(
            order("0.02", "0.01", "0.01", "0.01", discount="0.01"),
            [refund("0.01", ("L2", 1, "0.01"))],
            "0.01",
            id="cents of a discount",
        ),
        pytest.param(
            order("30", "10*", "20"), [refund("5")], "15", id="gift cards are not reduced"
        ),
        pytest.param(
            order("35", "10", "20", shipping="5"), [refund("5")], "25", id="shipping given back"
        ),
        pytest.param(
            order("30", "10", "20"),
            [refund("10", ("L9", 1, "10"))],
            "30",
            id="a line that is not there",
        ),
        pytest.param(
            order("30", "10", "20"), [refund("12", ("L2", 1, "12"))], "10", id="less than it cost"
        ),
    ],
)
def test_what_is_left(sold: Order, refunds: list[Refund], left: str | None) -> None:
    rest = sale_of(sold, *refunds).remaining()
    assert (None if rest is None else eligible(rest)) == (None if left is None else Decimal(left))


def test_a_cancelled_sale_leaves_nothing() -> None:
    assert sale_of(order("30", "30"), is_cancelled=True).remaining() is None


def test_a_line_below_zero_is_not_reduced_further() -> None:
    rest = sale_of(order("20", "30", "-20", "10"), refund("5")).remaining()
    assert isinstance(rest, Order)
    assert [line.net for line in rest.lines] == [25, 10]


@pytest.mark.parametrize(
    ("refunds", "left"), [([], "20"), (["5", "5"], "10"), (["12", "8"], None), (["25"], None)]
)
def test_what_is_left_of_a_payment(refunds: list[str], left: str | None) -> None:
    paid = Payment.model_validate({"id": "p", "currency": "EUR", "amount": "20", "tip": "2"})
    rest = sale_of(paid, *map(refund, refunds)).remaining()
    assert (rest.amount if isinstance(rest, Payment) else None) == (left and Decimal(left))


CENTS = st.integers(1, 5000).map(lambda cents: str(Decimal(cents).scaleb(-2)))


@st.composite
def stories(draw: st.DrawFn) -> tuple[Order, list[Refund]]:
    """An order with a discount, and refunds of lines and amounts, also too large ones."""
    prices = draw(st.lists(CENTS, min_size=1, max_size=4))
    gross = sum(map(Decimal, prices), Decimal(0))
    discount = draw(st.decimals(0, gross, places=2))
    sold = order(str(gross - discount), *prices, discount=str(discount))
    refunds = []
    for _ in range(draw(st.integers(0, 4))):
        amount = draw(CENTS)
        at = draw(st.sampled_from([None, *(line.id for line in sold.lines)]))
        pieces = draw(st.integers(0, 1))
        refunds.append(refund(amount, *([(at, pieces, amount)] if at else [])))
    return sold, refunds


@given(stories(), st.randoms(use_true_random=False))
def test_the_rest_is_the_same_in_any_order_and_only_ever_shrinks(
    story: tuple[Order, list[Refund]], random: Any
) -> None:
    sold, refunds = story
    shuffled = random.sample(refunds, len(refunds))
    assert sale_of(sold, *refunds).remaining() == sale_of(sold, *shuffled).remaining()
    amounts = [eligible(sale_of(sold, *refunds[:n]).remaining()) for n in range(len(refunds) + 1)]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[-1] >= 0
    paid_back = sum((one.amount for one in refunds), Decimal(0))
    if refunds and paid_back >= sold.total and sold.total > 0:
        assert sale_of(sold, *refunds).remaining() is None


@given(stories())
def test_amounts_without_lines_take_exactly_what_they_say(
    story: tuple[Order, list[Refund]],
) -> None:
    sold, refunds = story
    plain = [one for one in refunds if not one.lines]
    before = eligible(sold)
    after = eligible(sale_of(sold, *plain).remaining())
    assert after == max(before - sum((one.amount for one in plain), Decimal(0)), Decimal(0))
