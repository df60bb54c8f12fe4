"""The working set of one transaction: members, books and sales, loaded at once, written at once.

`load` fills it from the database. Without one (simulations, properties): put members and empty
books into a `Workset`, name each event's member in `member_of`, and take the events one by one
to `booking.handlers`; sales, counters, marks and contributions stay in it from event to event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows import chat_papers, consent_papers, papers, referral_papers
from flows.chat_papers import ChatPapers
from flows.consent_papers import ConsentPapers
from flows.gift_code_papers import open_codes
from flows.introductions import (
    SaleKey,
    address_in,
    customer_of,
    introduce,
    keys_of,
    sale_key_of,
    sale_of,
)
from flows.papers import Papers
from flows.referral_papers import ReferralPapers
from flows.sign_in_papers import asked_links
from loyalty.book import PointsBook
from loyalty.events import Event, EventType
from loyalty.gate import Knowledge, Words
from loyalty.limits import Meters
from loyalty.sales import Sale
from loyalty.standing import Reached, Share
from loyalty.store import (
    books,
    digests,
    gate,
    gift_codes,
    inbox,
    ledger,
    limits,
    people,
    rulebook,
    standing,
)
from loyalty.store.books import BookTerms
from loyalty.store.deliveries import Delivery
from loyalty.store.digests import Collected
from loyalty.store.gift_codes import CodeBook
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Identity, Member
from loyalty.store.sign_ins import SignIn
from loyalty.store.standing import ReachedMarks

if TYPE_CHECKING:
    from flows.terms import Terms

__all__ = ["CONTACT", "Workset", "address_in", "close", "flush", "load", "sale_of"]

CONTACT = "contact:"
"""What an event waits for until somebody signs up with an address: this and the address."""


@dataclass(slots=True)
class Workset:
    """What the handlers read and change; nothing is written before `flush`.

    Attributes:
        contributions: What counts towards tiers, by member and local day, where time matters.
        reached: Marks of milestones; `marked` names those that were changed.
        papers: What the desks look up that sell nothing: holds, redemptions, merges.
        gift_codes: The codes of the batch; None where no database stands behind it.
    """

    now: datetime
    members: dict[UUID, Member] = field(default_factory=dict)
    books: dict[UUID, PointsBook] = field(default_factory=dict)
    sales: dict[SaleKey, Sale] = field(default_factory=dict)
    member_of: dict[int, UUID] = field(default_factory=dict)
    origin_of: dict[int, UUID] = field(default_factory=dict)
    signed_up: dict[UUID, str] = field(default_factory=dict)
    known: Knowledge = field(default_factory=Knowledge)
    meters: Meters = field(default_factory=Meters)
    contributions: dict[UUID, dict[date, Share]] = field(default_factory=dict)
    reached: ReachedMarks = field(default_factory=dict)
    marked: set[tuple[UUID, str, Decimal]] = field(default_factory=set)
    papers: Papers = field(default_factory=Papers)
    gift_codes: CodeBook | None = None
    referrals: ReferralPapers = field(default_factory=ReferralPapers)
    consent_papers: ConsentPapers = field(default_factory=ConsentPapers)
    chats: ChatPapers = field(default_factory=ChatPapers)
    sign_ins: Mapping[str, SignIn] = field(default_factory=dict)
    notes: list[ConsentNote] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    collected: list[Collected] = field(default_factory=list)
    emitted: list[Event] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def member(self, item: Claimed) -> Member | None:
        """Whom an event concerns, merges followed; None where nobody could be named."""
        found = self.member_of.get(item.id)
        return None if found is None else self.members[found]

    def holder(self, account: UUID) -> Member:
        """The member who holds an account now: itself, or what it was merged into."""
        return self.members[people.heir(self.members, account)]

    def book(self, member: Member) -> PointsBook:
        """The member's open books."""
        return self.books[member.id]

    def marks(self, member: Member, milestone: str) -> dict[Decimal, Reached]:
        """The marks of a milestone that the member has reached."""
        return self.reached.setdefault(member.id, {}).setdefault(milestone, {})

    @property
    def words(self) -> Words:
        """What people said about being written to."""
        return self.known.words

    def note(self, note: ConsentNote) -> None:
        """Adds to the consent log and to what the gate will see in this transaction."""
        self.notes.append(note)
        about = (note.channel.value, note.address, note.purpose, note.topic)
        store, _, _ = note.source.partition(" ")
        self.words.hear(about, store=store, state=note.state, at=note.occurred_at)


async def load(connection: AsyncConnection, items: Sequence[Claimed], terms: Terms) -> Workset:
    """Finds or makes the members of a batch, locks them, and opens their books."""
    work = Workset(now=terms.now)
    wanted = sorted({sale_key_of(i.event) for i in items if sale_of(i.event)})
    work.sales = await ledger.load_sales(connection, wanted)
    known = [sale.key for sale in work.sales.values()]
    work.papers = await papers.begin(connection, items, known)
    work.consent_papers = await consent_papers.begin(connection, items)
    work.papers.named |= consent_papers.named(items, work.consent_papers)
    await _introduce(connection, items, work, terms)
    owners = {*work.member_of.values(), *(s.member_id for s in work.sales.values())}
    work.members = await people.lock(connection, sorted(owners | work.papers.others))
    _follow_merges(work)
    heir_of = {one: people.heir(work.members, one) for one in work.members}
    await papers.load(
        connection, work.papers, items, sales=known, heir_of=heir_of, members=work.member_of
    )
    work.gift_codes = await open_codes(connection, items, work.member_of)
    work.books = await books.open_books(
        connection,
        work.members.values(),
        BookTerms.of(terms.programme, terms.expiry_since),
        sales=known,
        redeemed=work.papers.redeemed_entries,
    )
    await _load_standing(connection, work, terms)
    work.chats = await chat_papers.load(connection, items)
    if referral_papers.concerns(items, terms.programme):
        work.referrals = await referral_papers.load(
            connection, items, work.member_of, now=terms.now
        )
    work.signed_up = await _signed_up(connection, items, work)
    addresses = {a for i in items for a in _addresses(i, work)} | _of_members(work)
    addresses.update(work.consent_papers.addresses)
    work.sign_ins = await asked_links(connection, items)
    addresses.update(("email", one.email) for one in work.sign_ins.values())
    work.known = await gate.knowledge(
        connection, addresses, terms.programme.messaging, now=terms.now
    )
    policy = terms.programme.messaging.double_opt_in
    await consent_papers.load(
        connection, work.consent_papers, addresses, policy=policy, items=items
    )
    await terms.fetch_older(connection, work.sales.values())
    work.meters = await limits.lock(connection, terms.counters(items, work))
    return work


def _follow_merges(work: Workset) -> None:
    there = {item: owner for item, owner in work.member_of.items() if owner in work.members}
    work.origin_of = there
    work.member_of = {item: people.heir(work.members, one) for item, one in there.items()}


async def _load_standing(connection: AsyncConnection, work: Workset, terms: Terms) -> None:
    plan, ids = terms.programme.tiers, sorted(work.members)
    if plan is not None and plan.window != "lifetime":
        work.contributions = await standing.contributions(
            connection, ids, plan, zone=terms.programme.zone, now=terms.now
        )
    if terms.programme.milestones or plan is not None:
        work.reached = await standing.reached(connection, ids)


async def flush(connection: AsyncConnection, work: Workset) -> None:
    """Writes everything that the handlers added or changed."""
    for one, book in work.books.items():
        member = work.members[one]
        if member.points != book.total or member.last_activity_at != book.last_activity:
            member.points, member.last_activity_at = book.total, book.last_activity
            member.is_changed = True
    await people.save(connection, list(work.members.values()), now=work.now)
    await people.note_consents(connection, work.notes, now=work.now)
    await consent_papers.save(connection, work.consent_papers)
    await ledger.post(connection, work.books.values())
    await ledger.save_sales(connection, work.sales.values())
    await limits.save(connection, work.meters)
    marks = [
        (member, plan, mark, work.reached[member][plan][mark])
        for member, plan, mark in sorted(work.marked)
    ]
    await standing.save_reached(connection, marks, now=work.now)
    await papers.save(connection, work.papers, now=work.now)
    if work.gift_codes is not None:
        await gift_codes.save(connection, work.gift_codes)
    await chat_papers.save(connection, work.chats)
    await referral_papers.save(connection, work.referrals, now=work.now)
    await digests.collect(connection, work.collected)
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
    sales = {
        key: sale_key_of(item.event) for key, item in parked.items() if key.startswith("sale:")
    }
    people_of = {key: _keys_waited_for(key) for key in parked}
    sold = await ledger.sales_in_the_books(connection, list(sales.values()))
    known = await people.find(connection, [one for keys in people_of.values() for one in keys])
    found = [key for key, sale in sales.items() if sale in sold]
    found += [key for key, keys in people_of.items() if any(one in known for one in keys)]
    found += await _rates_arrived(connection, [k for k in parked if k.startswith(rulebook.FX)])
    return found + await papers.arrived(connection, parked)


async def _rates_arrived(connection: AsyncConnection, keys: Sequence[str]) -> list[str]:
    """Nothing is tried twice in vain: only a programme that was saved meanwhile has new rates."""
    if not keys:
        return []
    now_in_force = await rulebook.programme(connection)
    return [key for key in keys if now_in_force.fx.get(key.removeprefix(rulebook.FX))]


# --- whom an event concerns --------------------------------------------------------------------


async def _introduce(
    connection: AsyncConnection, items: Sequence[Claimed], work: Workset, terms: Terms
) -> None:
    """Says whom each event concerns; people who are new become members."""
    keys = sorted({key for item in items for key in keys_of(item)})
    known = await people.find(connection, keys)
    found = introduce(
        items,
        known,
        work.sales,
        named=work.papers.named,
        enrols=terms.programme.enrols,
        now=work.now,
    )
    heirs = await _claim(connection, found.claims, found.drafts, work.now)
    work.member_of = {item: heirs.get(one, one) for item, one in found.member_of.items()}
    work.released += contacts_in(found.claims)


def contacts_in(claims: Iterable[Identity]) -> list[str]:
    """What events wait for that somebody now has: keys that were claimed."""
    return [waited_for(key) for key in claims]


def waited_for(key: Identity) -> str:
    """What an event waits for until somebody signs up with a key."""
    store, kind, value = key
    return CONTACT + value if kind in ("email", "phone") else f"{kind}:{store}:{value}"


def _keys_waited_for(waits_for: str) -> list[Identity]:
    kind, _, rest = waits_for.partition(":")
    if waits_for.startswith(CONTACT):
        return [("", one, rest) for one in ("email", "phone")]
    store, _, value = rest.partition(":")
    return [(store, kind, value)] if kind in ("customer", "card") else []


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


# --- what else the handlers need to know ---------------------------------------------------------

_SIGNED_UP = text("""
with recursive family as (
    select id, id as holder from members where id = any(:ids)
    union
    select m.id, f.holder from members m join family f on m.merged_into = f.id
)
select distinct on (f.holder) f.holder as member_id, i.store
from inbox i join family f on f.id = i.member_id
where i.type = 'customer.created' and i.state = 'done'
order by f.holder, i.id
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


def _of_members(work: Workset) -> set[tuple[str, str]]:
    """The addresses of everybody in the batch, also of accounts that are being merged."""
    people = work.members.values()
    known = [("email", one.email) for one in people] + [("sms", one.phone) for one in people]
    return {(channel, value) for channel, value in known if value}


def _addresses(item: Claimed, work: Workset) -> list[tuple[str, str]]:
    known: list[tuple[str, str | None]] = []
    customer = customer_of(item.event)
    for _, kind, value in people.identities_of("", customer) if customer else []:
        if kind in ("email", "phone"):
            known.append(("email" if kind == "email" else "sms", value))
    if address := address_in(item.event):
        known.append((item.event.data.channel.value, address))
    return [(channel, value) for channel, value in known if value]
