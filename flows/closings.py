"""How an event leaves its batch: done, refused for a reason, or waiting for something named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.workset import CONTACT, sale_of
from loyalty.sales import sale_key
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member


def done(
    item: Claimed,
    member: Member | None,
    reason: str = "",
    *,
    outcome: Mapping[str, Any] | None = None,
) -> Closing:
    return Closing(
        item.id,
        "done",
        reason=reason,
        member_id=member.id if member else None,
        outcome=outcome,
        attempts=item.attempts + 1,
    )


def refused(item: Claimed, reason: str) -> Closing:
    return Closing(item.id, "refused", reason=reason, attempts=item.attempts + 1)


def waits_for_sale(item: Claimed) -> Closing:
    key = sale_key(item.event.store, sale_of(item.event) or "")
    return Closing(
        item.id,
        "parked",
        reason="the sale is not in the books yet: it goes on when the sale arrives",
        waits_for=f"sale:{key}",
    )


def waits_for_person(item: Claimed, address: str, what: str) -> Closing:
    return Closing(
        item.id,
        "parked",
        reason=f"{what}: it counts once somebody signs up with this address",
        waits_for=CONTACT + address,
    )
