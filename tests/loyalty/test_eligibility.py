"""What of an order earns points, and how its discount is shared, to the last cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loyalty.eligibility import EligibilityPolicy, allocate, eligible_amount, rate
from loyalty.events import Line, Order, Payment
from loyalty.facts import RatedOrder
from loyalty.money import MoneyError
from loyalty.programme import Programme


def lines(*prices: str, **more: Any) -> tuple[Line, ...]:
    """Lines of one piece at these prices."""
    return tuple(
        Line(id=f"L{at}", quantity=1, unit_price=Decimal(price), **more)
        for at, price in enumerate(prices)
    )


def order(*found: Line, **more: Any) -> Order:
    """An order with these lines."""
    return Order.model_validate(
        {"id": "1", "currency": "EUR", "total": "1", "lines": found, **more}
    )


@pytest.mark.parametrize(
    ("discount", "prices", "currency", "shares"),
    [
        ("10", ("30", "10"), "EUR", ("7.50", "2.50")),
        ("10", ("10", "10", "10"), "EUR", ("3.34", "3.33", "3.33")),
        ("0.01", ("10", "10", "10"), "EUR", ("0.01", "0", "0")),
        ("0.02", ("1", "5", "5"), "EUR", ("0", "0.01", "0.01")),
        ("1", ("1", "1", "1"), "JPY", ("1", "0", "0")),
        ("0.001", ("1", "3"), "KWD", ("0", "0.001")),
        ("50", ("30", "10"), "EUR", ("30", "10")),
        ("0", ("30", "10"), "EUR", ("0", "0")),
        ("5", ("0", "10"), "EUR", ("0", "5")),
        ("5", ("0", "0"), "EUR", ("0", "0")),
        ("5", (), "EUR", ()),
    ],
)
def test_a_discount_is_shared_by_value_to_the_smallest_unit(
    discount: str, prices: tuple[str, ...], currency: str, shares: tuple[str, ...]
) -> None:
    found = allocate(Decimal(discount), lines(*prices), currency)
    assert found == [Decimal(share) for share in shares]


def test_a_line_given_back_has_no_share() -> None:
    back = Line(id="back", quantity=1, unit_price=Decimal(5), discount=Decimal(8))
    assert allocate(Decimal(4), (back, *lines("10", "10")), "EUR") == [0, 2, 2]


def test_amounts_finer_than_the_currency_are_refused() -> None:
    with pytest.raises(MoneyError, match="more decimals than EUR"):
        allocate(Decimal("1"), lines("10.005"), "EUR")
    with pytest.raises(MoneyError, match="more decimals than JPY"):
        allocate(Decimal("0.5"), lines("10"), "JPY")


CENTS = st.integers(0, 10**13)


@given(CENTS, st.lists(CENTS, max_size=30))
def test_shares_add_up_and_stay_within_one_unit_of_the_exact_part(
    discount: int, prices: list[int]
) -> None:
    found = allocate(
        Decimal(discount).scaleb(-2),
        tuple(
            Line.model_construct(
                id="L", quantity=1, unit_price=Decimal(price).scaleb(-2), gross=None,
                discount=Decimal(0),
            )
            for price in prices
        ),
        "EUR",
    )  # fmt: skip
    shares = [int(share * 100) for share in found]
    whole = sum(prices)
    given_away = min(discount, whole)
    assert sum(shares) == given_away
    assert [Decimal(share).scaleb(-2) for share in shares] == found
    for share, price in zip(shares, prices, strict=True):
        assert 0 <= share <= price
        assert abs(share * whole - given_away * price) < max(whole, 1)


@given(st.lists(CENTS, min_size=2, max_size=12), CENTS)
def test_equal_lines_differ_by_one_unit_at_most_and_the_earlier_has_more(
    prices: list[int], discount: int
) -> None:
    doubled = [price for price in prices for _ in range(2)]
    found = allocate(
        Decimal(discount).scaleb(-2),
        tuple(
            Line.model_construct(
                id="L", quantity=1, unit_price=Decimal(price).scaleb(-2), gross=None,
                discount=Decimal(0),
            )
            for price in doubled
        ),
        "EUR",
    )  # fmt: skip
    for first, second in zip(found[::2], found[1::2], strict=True):
        assert first - second in (0, Decimal("0.01"))


@pytest.mark.parametrize(
    ("policy", "amount"),
    [
        ({}, "72.00"),
        ({"gift_card_lines": True}, "90.00"),
        ({"shipping": True}, "77.00"),
        ({"tax": True}, "91.16"),
        ({"tip": True}, "74.00"),
        ({"subtract_tenders": ("gift_card",)}, "47.00"),
        ({"subtract_tenders": ("gift_card", "card")}, "0"),
    ],
)
def test_the_policy_says_what_counts(policy: dict[str, Any], amount: str) -> None:
    found = order(
        *lines("50.00", "30.00"),
        Line(id="gift", quantity=1, unit_price=Decimal(20), is_gift_card=True),
        discount="10.00", shipping="5.00", tax="19.16", tip="2.00",
        tenders=[{"kind": "card", "amount": "91.16"}, {"kind": "gift_card", "amount": "25.00"}],
    )  # fmt: skip
    assert eligible_amount(found, EligibilityPolicy(**policy)) == Decimal(amount)


def test_line_discounts_and_reported_gross_count() -> None:
    bought = Line(
        id="a", quantity=3, unit_price=Decimal("3.33"), gross=Decimal(10), discount=Decimal(1)
    )
    assert eligible_amount(order(bought), EligibilityPolicy()) == 9


def test_an_order_is_rated_with_all_it_had() -> None:
    plain = order(*lines("79.90"), codes=("TEA",), number="#1")
    rated = rate(plain, Programme())
    assert isinstance(rated, RatedOrder)
    assert rated.eligible == rated.lines[0].eligible == Decimal("79.90")
    own = {"eligible": True, "extra": True, "fx_rate": True, "lines": {0: {"eligible"}}}
    assert rated.model_dump(exclude=own) == plain.model_dump()
    assert rate(rated, Programme()) == rated
    assert RatedOrder.model_validate(rated.model_dump()) == rated


def programme(**more: Any) -> Programme:
    """A programme in dollars."""
    return Programme.model_validate({"currency": "USD", **more})


@pytest.mark.parametrize(
    ("sold", "settings", "rate_", "parts"),
    [
        pytest.param(
            order(*lines("30", "10"), discount="10"), {}, "1", ("22.50", "7.50", "0"), id="discount"
        ),
        pytest.param(
            order(*lines("30", "10"), shipping="5"),
            {"eligible": {"shipping": True}},
            "1",
            ("30", "10", "5"),
            id="shipping is no line's",
        ),
        pytest.param(
            order(*lines("49.99")), {}, "1.0850", ("54.24", "0"), id="converted and rounded once"
        ),
        pytest.param(
            order(*lines("0.01", "0.01", "0.01")),
            {},
            "0.5",
            ("0.01", "0.01", "0", "0"),
            id="cents by largest remainder, ties to the earlier line",
        ),
        pytest.param(
            order(*lines("30", "10"), tenders=[{"kind": "gift_card", "amount": "20"}]),
            {"eligible": {"subtract_tenders": ["gift_card"]}},
            "1",
            ("15", "5", "0"),
            id="what was paid by gift card is shared",
        ),
        pytest.param(
            order(*lines("50", "-20")), {}, "2", ("60", "0", "0"), id="a rebate as a line"
        ),
    ],
)
def test_lines_get_their_share_of_what_counts(
    sold: Order, settings: dict[str, Any], rate_: str, parts: tuple[str, ...]
) -> None:
    rated = rate(sold, programme(**settings), Decimal(rate_))
    shares = [*(line.eligible for line in rated.lines), rated.extra]
    assert shares == [Decimal(part) for part in parts]
    assert sum(shares) == rated.eligible


@given(
    st.lists(st.integers(-500, 5000), min_size=1, max_size=8),
    st.integers(0, 3000),
    st.decimals("0.01", "200", places=4),
    st.integers(0, 3000),
)
@example(prices=[2], discount=0, fx_rate=Decimal("1.0000"), tender=1)  # euros one for one in yen
def test_shares_always_add_up_to_the_whole(
    prices: list[int], discount: int, fx_rate: Decimal, tender: int
) -> None:
    sold = order(
        *lines(*(str(Decimal(price).scaleb(-2)) for price in prices)),
        discount=str(Decimal(min(discount, max(sum(prices), 0))).scaleb(-2)),
        tenders=[{"kind": "gift_card", "amount": str(Decimal(tender).scaleb(-2))}],
    )
    policy = {"eligible": {"subtract_tenders": ["gift_card"]}, "currency": "JPY"}
    rated = rate(sold, programme(**policy), fx_rate)
    assert sum((line.eligible for line in rated.lines), rated.extra) == rated.eligible >= 0


@pytest.mark.parametrize(("counts_tip", "eligible"), [(False, "20.00"), (True, "23.00")])
def test_a_payment_counts_without_its_tip(counts_tip: bool, eligible: str) -> None:
    paid = Payment.model_validate({"id": "p", "currency": "USD", "amount": "23.00", "tip": "3"})
    rated = rate(paid, programme(eligible={"tip": counts_tip}))
    assert rated.eligible == Decimal(eligible)
