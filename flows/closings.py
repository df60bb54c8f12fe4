"""How an event leaves its batch: done, refused for a reason, or waiting for something named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.introductions import sale_of
from flows.workset import CONTACT, waited_for
from loyalty.sales import sale_key
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Identity, Member
from loyalty.store.rulebook import FX


def done(
    item: Claimed,
    member: Member | None,
    reason: str = "",
    *,
    code: str = "",
    outcome: Mapping[str, Any] | None = None,
) -> Closing:
    """It is in the books, or (with a code such as `stale`) there was nothing to book."""
    return Closing(
        item.id,
        "done",
        reason=reason,
        code=code,
        member_id=member.id if member else None,
        outcome=outcome if outcome is not None or not code else {"code": code},
        attempts=item.attempts + 1,
    )


def refused(item: Claimed, reason: str, *, code: str = "", member: Member | None = None) -> Closing:
    """It cannot be booked; the reason is for people, the code for machines."""
    return Closing(
        item.id,
        "refused",
        reason=reason,
        code=code,
        member_id=member.id if member else None,
        outcome={"code": code} if code else None,
        attempts=item.attempts + 1,
    )


def parked(
    item: Claimed, reason: str, *, waits_for: str, code: str = "", member: Member | None = None
) -> Closing:
    """It waits for something that is named."""
    return Closing(
        item.id,
        "parked",
        reason=reason,
        waits_for=waits_for,
        code=code,
        member_id=member.id if member else None,
        outcome={"code": code} if code else None,
        attempts=item.attempts,
    )


def waits_for_sale(item: Claimed) -> Closing:
    """It is about a sale that has not come yet."""
    key = sale_key(item.event.store, sale_of(item.event) or "")
    return parked(
        item,
        "the sale is not in the books yet: it goes on when the sale arrives",
        waits_for=f"sale:{key}",
    )


def waits_for_person(item: Claimed, address: str, what: str) -> Closing:
    """It is of somebody who is no member yet."""
    return parked(
        item,
        f"{what}: it counts once somebody signs up with this address",
        waits_for=CONTACT + address,
    )


def waits_for_key(item: Claimed, key: Identity, what: str) -> Closing:
    """It is of somebody who is no member yet, known by an address, a card or a shop's id."""
    reason = f"{what}: it counts once they sign up"
    return parked(item, reason, waits_for=waited_for(key))


def waits_for_rate(item: Claimed, currency: str) -> Closing:
    """It is in a currency without a rate for its day."""
    return parked(
        item,
        f"no exchange rate of {currency} for {item.event.time.date()} or the week before: add "
        "it to the programme's `fx`, then it goes on by itself",
        waits_for=FX + currency,
        code="fx_missing",
    )
