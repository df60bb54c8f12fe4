"""Square's amounts: whole numbers of the currency's smallest unit.

https://developer.squareup.com/docs/build-basics/working-with-monetary-amounts
"""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.webhook import Unreadable
from connectors.square.payloads import MinorMoney
from loyalty.money import check_currency, from_minor


def amount_of(money: MinorMoney | None, what: str) -> tuple[Decimal, str]:
    """The amount in whole units, and its currency; Unreadable where there is none."""
    if money is None:
        raise Unreadable(f"{what} has no amount")
    if money.amount < 0:
        raise Unreadable(f"{what}: the amount is negative ({money.amount} in minor units)")
    currency = check_currency(money.currency)
    return from_minor(money.amount, currency, provider="square"), currency
