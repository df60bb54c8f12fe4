"""The working set of one transaction: members, books and sales, loaded at once, written at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.contacts import normal_address
from loyalty.events import Channel, ConsentState, Customer, Event, EventType, Payment
from loyalty.points import PointsBook
from loyalty.sales import Sale
from loyalty.store import inbox, ledger, people
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Identity, Member, Words

_ENROLS = {EventType.CUSTOMER_CREATED, EventType.CUSTOMER_UPDATED, EventType.CUSTOMER_OPTED_IN}
_SELLS = {EventType.ORDER_PAID, EventType.PAYMENT_COMPLETED}

CONTACT = "contact:"
"""What an event waits for until somebody signs up with an address: this and the address."""


@dataclass(slots=True)
class Workset:
    """What the handlers read and change; nothing is written before `flush`."""

    now: datetime
    members: dict[UUID, Member] = field(default_factory=dict)
    books: dict[UUID, PointsBook] = field(default_factory=dict)
    sales: dict[tuple[str, str], Sale] = field(default_factory=dict)
    member_of: dict[int, UUID] = field(default_factory=dict)
    signed_up: dict[UUID, str] = field(default_factory=dict)
    words: Words = field(default_factory=Words)
    notes: list[ConsentNote] = field(default_factory=list)
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

    @property
    def consents(self) -> Mapping[tuple[str, str], ConsentState]:
        """The latest word on each (channel, address), as the gate sees it."""
        return self.words.consents

    def note(self, note: ConsentNote) -> None:
        """Adds to the consent log and to what the gate will see in this transaction."""
        self.notes.append(note)
        about = (note.channel.value, note.address)
        store, _, _ = note.source.partition(" ")
        self.words.hear(about, store=store, state=note.state, at=note.occurred_at)


async def load(connection: AsyncConnection, items: Sequence[Claimed], now: datetime) -> Workset:
    """Finds or makes the members of a batch, locks them, and opens their books."""
    work = Workset(now=now)
    work.sales = await ledger.load_sales(connection, sorted({s for i in items for s in _sales(i)}))
    await _introduce(connection, items, work)
    ids = sorted(set(work.member_of.values()))
    work.members = await people.lock(connection, ids)
    work.member_of = {
        item: people.heir(work.members, owner)
        for item, owner in work.member_of.items()
        if owner in work.members
    }
    ids = sorted(work.members)
    lots = await ledger.open_lots(connection, ids)
    work.books = {
        one: PointsBook(one, total=work.members[one].points, lots=lots[one]) for one in ids
    }
    work.signed_up = await _signed_up(connection, items, work)
    addresses = sorted({a for i in items for a in _addresses(i, work)})
    work.words = await people.words_on(connection, addresses)
    return work


async def flush(connection: AsyncConnection, work: Workset) -> None:
    """Writes everything that the handlers added or changed."""
    for one, book in work.books.items():
        member = work.members[one]
        if member.points != book.total:
            member.points, member.is_changed = book.total, True
    await people.save(connection, list(work.members.values()), now=work.now)
    await people.note_consents(connection, work.notes, now=work.now)
    await ledger.post(connection, work.books.values())
    await ledger.save_sales(connection, work.sales.values())
    await inbox.emit(connection, work.emitted, now=work.now)


async def close(
    connection: AsyncConnection,
    work: Workset,
    items: Sequence[Claimed],
    closings: Sequence[Closing],
    *,
    run_id: UUID | None,
) -> None:
    """Writes down how the events ended, and lets go on what waited for something in this batch.

    What a parked event waits for may come in another transaction at the same time, so it is
    looked for once more with the keys held.
    """
    parked = {
        one.waits_for: item
        for item, one in zip(items, closings, strict=True)
        if one.state == "parked"
    }
    await inbox.settle_waits(connection, [*parked, *work.released])
    arrived = await _arrived(connection, parked) if parked else []
    await inbox.close(connection, closings, run_id=run_id, now=work.now)
    await inbox.release(connection, sorted({*work.released, *arrived}))


async def _arrived(connection: AsyncConnection, parked: Mapping[str, Claimed]) -> list[str]:
    sales = {key: sale for key, item in parked.items() for sale in _sales(item)}
    people_of = {
        key: [("", kind, key.removeprefix(CONTACT)) for kind in ("email", "phone")]
        for key in parked
        if key.startswith(CONTACT)
    }
    sold = await ledger.sales_in_the_books(connection, list(sales.values()))
    known = await people.find(connection, [one for keys in people_of.values() for one in keys])
    return [
        key
        for key in parked
        if (key in people_of and _first(people_of[key], known))
        or (key not in people_of and sales.get(key) in sold)
    ]


# --- whom an event concerns --------------------------------------------------------------------


async def _introduce(connection: AsyncConnection, items: Sequence[Claimed], work: Workset) -> None:
    """Says whom each event concerns; people who are new become members."""
    wanted = {item.id: _keys(item) for item in items}
    known = await people.find(connection, sorted({key for keys in wanted.values() for key in keys}))
    claims: dict[Identity, UUID] = {}
    drafts: dict[UUID, Member] = {}
    for item in items:
        keys = wanted[item.id]
        settled = _named(item) or _sold_to(item, work)
        owner = settled or _first(keys, known) or _first(keys, claims)
        if owner is None and keys and _enrols(item):
            draft = _draft(item, work.now)
            owner, drafts[draft.id] = draft.id, draft
        if owner is not None:
            work.member_of[item.id] = owner
        if owner is not None and settled is None and item.event.type in _ENROLS | _SELLS:
            claims |= {key: owner for key in keys if key not in known and key not in claims}
    heirs = await _claim(connection, claims, drafts, work.now)
    work.member_of = {item: heirs.get(owner, owner) for item, owner in work.member_of.items()}
    work.released += [CONTACT + value for _, kind, value in claims if kind != "customer"]


async def _claim(
    connection: AsyncConnection,
    claims: Mapping[Identity, UUID],
    drafts: Mapping[UUID, Member],
    now: datetime,
) -> dict[UUID, UUID]:
    """Takes the keys, and writes the drafts as members.

    Where another transaction was faster with a key, its member is the person, and the draft
    becomes that member instead of a second one.

    Returns:
        Which draft became which member, of those that did.
    """
    owners = await people.claim_identities(connection, claims, now=now)
    heirs: dict[UUID, UUID] = {}
    for key, wanted in claims.items():
        if wanted in drafts and owners[key] != wanted:
            heirs.setdefault(wanted, owners[key])
    await people.hand_over(connection, heirs)
    await people.add(connection, [one for one in drafts.values() if one.id not in heirs], now=now)
    return heirs


def _draft(item: Claimed, now: datetime) -> Member:
    customer = _customer(item.event)
    assert customer is not None
    joined = min(item.event.time, customer.created_at or item.event.time)
    member = Member(id=new_id(now), joined_at=joined, created_at=now)
    member.learn(customer, at=item.event.time)
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
    address = address_in(event)
    if address:
        kind = "email" if event.data.channel is Channel.EMAIL else "phone"
        return [("", kind, address)]
    return []


def address_in(event: Event) -> str:
    """The address that a report or an inbound message is about; empty for other events."""
    raw = getattr(event.data, "address", None) or getattr(event.data, "sender", None)
    return normal_address(event.data.channel, raw) if raw else ""


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
    if address := address_in(item.event):
        known.append((item.event.data.channel.value, address))
    return [(channel, value) for channel, value in known if value]
