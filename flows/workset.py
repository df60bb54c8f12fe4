"""The working set of one transaction: members, books and sales, loaded at once, written at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Channel, ConsentState, Customer, Event, EventType, Payment
from loyalty.points import PointsBook
from loyalty.sales import Sale
from loyalty.store import inbox, ledger, people
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed
from loyalty.store.people import ConsentNote, Identity, Member

_ENROLS = {EventType.CUSTOMER_CREATED, EventType.CUSTOMER_UPDATED, EventType.CUSTOMER_OPTED_IN}
_SELLS = {EventType.ORDER_PAID, EventType.PAYMENT_COMPLETED}


@dataclass(slots=True)
class Workset:
    """What the handlers read and change; nothing is written before `flush`."""

    now: datetime
    members: dict[UUID, Member] = field(default_factory=dict)
    books: dict[UUID, PointsBook] = field(default_factory=dict)
    sales: dict[tuple[str, str], Sale] = field(default_factory=dict)
    member_of: dict[int, UUID] = field(default_factory=dict)
    signed_up: dict[UUID, str] = field(default_factory=dict)
    consents: dict[tuple[str, str], ConsentState] = field(default_factory=dict)
    notes: list[ConsentNote] = field(default_factory=list)
    new_identities: dict[Identity, UUID] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    emitted: list[Event] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def member(self, item: Claimed) -> Member | None:
        """Whom an event concerns; None where nobody could be named."""
        found = self.member_of.get(item.id)
        return None if found is None else self.members[found]

    def book(self, member: Member) -> PointsBook:
        """The member's open books."""
        return self.books[member.id]

    def note(self, note: ConsentNote) -> None:
        """Adds to the consent log and to what the gate will see in this transaction."""
        self.notes.append(note)
        self.consents[(note.channel.value, note.address)] = note.state


async def load(connection: AsyncConnection, items: Sequence[Claimed], now: datetime) -> Workset:
    """Finds or makes the members of a batch, locks them, and opens their books."""
    work = Workset(now=now)
    work.sales = await ledger.load_sales(connection, sorted({s for i in items for s in _sales(i)}))
    await _introduce(connection, items, work)
    ids = sorted(set(work.member_of.values()))
    work.members = await people.lock(connection, ids)
    work.member_of = {k: v for k, v in work.member_of.items() if v in work.members}
    ids = sorted(work.members)
    lots = await ledger.open_lots(connection, ids)
    work.books = {
        one: PointsBook(one, total=work.members[one].points, lots=lots[one]) for one in ids
    }
    work.signed_up = await _signed_up(connection, items, work)
    addresses = sorted({a for i in items for a in _addresses(i, work)})
    work.consents = await people.consent_of(connection, addresses)
    return work


async def flush(connection: AsyncConnection, work: Workset) -> None:
    """Writes everything that the handlers added or changed."""
    for one, book in work.books.items():
        member = work.members[one]
        if member.points != book.total:
            member.points, member.is_changed = book.total, True
    await people.save(connection, list(work.members.values()), now=work.now)
    if work.new_identities:
        await people.claim_identities(connection, work.new_identities, now=work.now)
    await people.note_consents(connection, work.notes, now=work.now)
    await ledger.post(connection, work.books.values())
    await ledger.save_sales(connection, work.sales.values())
    await inbox.emit(connection, work.emitted, now=work.now)
    await inbox.release(connection, work.released)


# --- whom an event concerns --------------------------------------------------------------------


async def _introduce(connection: AsyncConnection, items: Sequence[Claimed], work: Workset) -> None:
    wanted = {item.id: _keys(item) for item in items}
    known = await people.find(connection, sorted({key for keys in wanted.values() for key in keys}))
    unknown = [item for item in items if _first(wanted[item.id], known) is None and _enrols(item)]
    if unknown:
        known |= await _enrol(connection, unknown, wanted, work.now)
    for item in items:
        found = _named(item) or _sold_to(item, work) or _first(wanted[item.id], known)
        if found is not None:
            work.member_of[item.id] = found
            extra = {key: found for key in wanted[item.id] if key not in known}
            if extra and item.event.type in _ENROLS | _SELLS:
                work.new_identities |= extra


async def _enrol(
    connection: AsyncConnection,
    items: Sequence[Claimed],
    wanted: dict[int, list[Identity]],
    now: datetime,
) -> dict[Identity, UUID]:
    """Makes members of people who are new; of two events of one person, the first makes them."""
    claims: dict[Identity, UUID] = {}
    drafts: dict[UUID, Member] = {}
    for item in items:
        keys = wanted[item.id]
        owner = _first(keys, claims)
        if owner is None:
            member = _draft(item, now)
            owner = member.id
            drafts[owner] = member
        for key in keys:
            claims.setdefault(key, owner)
    owners = await people.claim_identities(connection, claims, now=now)
    await people.add(connection, [m for m in drafts.values() if m.id in owners.values()], now=now)
    return owners


def _draft(item: Claimed, now: datetime) -> Member:
    customer = _customer(item.event)
    assert customer is not None
    joined = min(item.event.time, customer.created_at or item.event.time)
    member = Member(id=new_id(now), joined_at=joined, created_at=now)
    member.learn(customer)
    return member


def _enrols(item: Claimed) -> bool:
    customer = _customer(item.event)
    if customer is None or customer.is_anonymous:
        return False
    if item.event.type in _ENROLS:
        return True
    return item.event.type in _SELLS and customer.id is not None


def _customer(event: Event) -> Customer | None:
    if isinstance(event.data, Customer):
        return event.data
    return getattr(event.data, "customer", None)


def _keys(item: Claimed) -> list[Identity]:
    event = item.event
    customer = _customer(event)
    if customer is not None:
        return people.identities_of(event.store, customer)
    address = getattr(event.data, "address", None) or getattr(event.data, "sender", None)
    if address:
        kind = "email" if event.data.channel is Channel.EMAIL else "phone"
        return [("", kind, address.strip().lower())]
    return []


def _named(item: Claimed) -> UUID | None:
    named = getattr(item.event.data, "member_id", None)
    return UUID(named) if named else None


def _sold_to(item: Claimed, work: Workset) -> UUID | None:
    """Who the sale in the books belongs to: a refund or edit follows it, whoever it names."""
    for key in _sales(item):
        if key in work.sales:
            return work.sales[key].member_id
    return None


def _first(keys: Iterable[Identity], known: dict[Identity, UUID]) -> UUID | None:
    return next((known[key] for key in keys if key in known), None)


def sale_of(event: Event) -> str | None:
    """The id under which the event's sale is in the books; None for other events."""
    match event.type:
        case EventType.ORDER_PAID | EventType.ORDER_EDITED:
            return str(event.data.id)
        case EventType.ORDER_REFUNDED | EventType.ORDER_CANCELLED:
            return str(event.data.order_id)
        case EventType.PAYMENT_COMPLETED:
            payment: Payment = event.data
            return payment.order_id or payment.id
        case _:
            return None


def _sales(item: Claimed) -> list[tuple[str, str]]:
    order_id = sale_of(item.event)
    return [] if order_id is None else [(item.event.store, order_id)]


# --- what else the handlers need to know ---------------------------------------------------------

_SIGNED_UP = text("""
select distinct on (member_id) member_id, store from inbox
where member_id = any(:ids) and type = 'customer.created' and state = 'done'
order by member_id, id
""")


async def _signed_up(
    connection: AsyncConnection, items: Sequence[Claimed], work: Workset
) -> dict[UUID, str]:
    """At which store members signed up before, for those who seem to sign up again."""
    created = [i for i in items if i.event.type is EventType.CUSTOMER_CREATED]
    ids: Any = sorted({work.member_of[i.id] for i in created if i.id in work.member_of})
    if not ids:
        return {}
    rows = await connection.execute(_SIGNED_UP, {"ids": ids})
    return {row.member_id: row.store for row in rows}


def _addresses(item: Claimed, work: Workset) -> list[tuple[str, str]]:
    member = work.member(item)
    known = [] if member is None else [("email", member.email), ("sms", member.phone)]
    customer = _customer(item.event)
    for _, kind, value in people.identities_of("", customer) if customer else []:
        known.append(("email" if kind == "email" else "sms", value))
    address = getattr(item.event.data, "address", None) or getattr(item.event.data, "sender", None)
    if address:
        known.append((item.event.data.channel.value, address))
    return [(channel, value) for channel, value in known if value]
