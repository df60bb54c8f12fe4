"""Whom an event concerns: by the store's id, by card, by address, by the sale it is about.

Pure: what is known comes in, what has to be claimed goes out. The working set asks the
database, the memory of a simulation asks itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from loyalty.contacts import normal_address
from loyalty.events import Channel, Customer, Event, EventType, Payment, RewardStep
from loyalty.sales import Sale
from loyalty.store import people
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed
from loyalty.store.people import Identity, Member

_ENROLS = {
    EventType.CUSTOMER_CREATED,
    EventType.CUSTOMER_UPDATED,
    EventType.CUSTOMER_OPTED_IN,
    EventType.INVITATION_CLAIMED,
}
_SELLS = {EventType.ORDER_PAID, EventType.PAYMENT_COMPLETED}
_SHOWS_THE_CARD = {
    EventType.CHAT_BOUND,
    EventType.ACTIVITY_REPORTED,
    EventType.POINTS_ADJUSTED,
    EventType.GIFT_CODE_REDEEMED,
}
"""Whoever does this by a card that is not known yet is a member all the same: only members have
one, and the news of signing up may come later."""

SaleKey = tuple[str, str]
Enrols = Literal["everyone", "on_request"]


@dataclass(slots=True)
class Introduced:
    """Whom events concern, and what follows from it.

    Attributes:
        member_of: By event.
        claims: Keys that nobody had, and whose they are now.
        drafts: People who are new.
    """

    member_of: dict[int, UUID] = field(default_factory=dict)
    claims: dict[Identity, UUID] = field(default_factory=dict)
    drafts: dict[UUID, Member] = field(default_factory=dict)


def introduce(
    items: Sequence[Claimed],
    known: Mapping[Identity, UUID],
    sales: Mapping[SaleKey, Sale],
    *,
    named: Mapping[int, UUID],
    enrols: Enrols,
    now: datetime,
) -> Introduced:
    """Says whom each event concerns, in order of arrival; people who are new get a draft.

    Args:
        known: Whose the keys of the batch are.
        sales: Those of the batch that are in the books.
        named: Whom events concern that name nobody themselves (the end of a hold).
    """
    found = Introduced()
    for item in items:
        keys = keys_of(item)
        settled = named.get(item.id) or _named(item) or _sold_to(item, sales)
        owner = settled or _first(keys, known) or _first(keys, found.claims)
        if owner is None and keys and _enrols(item, enrols):
            draft = _draft(item, now)
            owner, found.drafts[draft.id] = draft.id, draft
        if owner is None:
            continue
        found.member_of[item.id] = owner
        if settled is None and item.event.type in _ENROLS | _SELLS | _SHOWS_THE_CARD:
            new = {key: owner for key in keys if key not in known and key not in found.claims}
            found.claims |= new
    return found


def keys_of(item: Claimed) -> list[Identity]:
    """Every key by which the event names somebody."""
    event = item.event
    customer = customer_of(event)
    if customer is not None:
        return people.identities_of(event.store, customer)
    address = address_in(event)
    if address:
        kind = "email" if event.data.channel is Channel.EMAIL else "phone"
        return [("", kind, address)]
    return []


def customer_of(event: Event) -> Customer | None:
    """The person that an event names, as the store knows them."""
    if isinstance(event.data, Customer):
        return event.data
    return getattr(event.data, "customer", None)


def address_in(event: Event) -> str:
    """The address that a report or an inbound message is about; empty for other events."""
    raw = getattr(event.data, "address", None) or getattr(event.data, "sender", None)
    return normal_address(event.data.channel, raw) if raw else ""


def _draft(item: Claimed, now: datetime) -> Member:
    customer = customer_of(item.event)
    assert customer is not None
    joined = min(item.event.time, customer.created_at or item.event.time)
    member = Member(id=new_id(now), joined_at=joined, created_at=now)
    member.learn(customer, at=item.event.time)
    return member


def _enrols(item: Claimed, enrols: Enrols) -> bool:
    customer = customer_of(item.event)
    if customer is None or customer.is_anonymous:
        return False
    if item.event.type in _ENROLS:
        return True
    if item.event.type in _SHOWS_THE_CARD:
        return customer.card is not None
    if item.event.type not in _SELLS or getattr(item.event.data, "is_test", False):
        return False
    return enrols == "everyone" and bool(customer.id or customer.card)


def _named(item: Claimed) -> UUID | None:
    named = getattr(item.event.data, "member_id", None)
    return UUID(named) if named else None


def _sold_to(item: Claimed, sales: Mapping[SaleKey, Sale]) -> UUID | None:
    """Who the sale in the books belongs to: a refund or edit follows it, whoever it names."""
    key = sale_key_of(item.event)
    return sales[key].member_id if key in sales else None


def _first(keys: Iterable[Identity], known: Mapping[Identity, UUID]) -> UUID | None:
    return next((known[key] for key in keys if key in known), None)


def sale_of(event: Event) -> str | None:
    """The id under which the event's sale is in the books; None for other events."""
    match event.type:
        case EventType.ORDER_PAID | EventType.ORDER_EDITED:
            return str(event.data.id)
        case EventType.ORDER_REFUNDED | EventType.ORDER_CANCELLED | EventType.REFUND_REVERSED:
            return str(event.data.order_id)
        case EventType.PAYMENT_COMPLETED:
            payment: Payment = event.data
            return payment.order_id or payment.id
        case EventType.REWARD_USED:
            step: RewardStep = event.data
            return step.order_id
        case _:
            return None


def sale_key_of(event: Event) -> SaleKey:
    """Store and id of the event's sale; an empty id for events that are about none."""
    return event.store, sale_of(event) or ""
