"""Reads from the database what a step may expect: as the hub itself would answer at that instant.

Points come back as people see them (`unit_scale`), members and rules under the names that the
file gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from deployments.scenario.translate import Terms
from loyalty.book import PointsBook
from loyalty.points import EntryKind
from loyalty.store.books import BookTerms, open_books
from loyalty.store.ids import new_id
from loyalty.store.people import Member, member_of, words_on

_MEMBERS = text("""
select m.*, (
    select array_agg(i.value) from identities i where i.kind = 'card' and i.member_id = m.id
) as cards
from members m order by m.id
""")
_CARDS = text("select value, member_id from identities where kind = 'card'")
_PARKED = text("select count(*) from inbox where state = 'parked'")
_FIRED = text("""
select key, outcome -> 'fired' as fired, outcome -> 'withheld' as withheld from inbox
where type = 'order.paid' and state = 'done' and key = any(cast(:orders as text[]))
""")
_SPENT = text(
    "select coalesce(sum(points), 0) from limit_uses where limit_key = any(cast(:keys as text[]))"
)
_ENTRIES = text("""
select id, event_id, kind, points, sale from entries
where member_id = :member order by posted_at, id
""")


@dataclass
class Members:
    """Who the names of the file are. Kept over a case: an erased member has no card any more."""

    ids: dict[str, UUID] = field(default_factory=dict)

    async def learn(self, connection: AsyncConnection) -> None:
        """Looks whose cards have appeared."""
        for row in await connection.execute(_CARDS):
            self.ids.setdefault(row.value, row.member_id)

    def name_of(self, member_id: UUID | None) -> str:
        """The file's name of a member; their id where it has none."""
        found = (name for name, known in self.ids.items() if known == member_id)
        return next(found, str(member_id or ""))


class Observer:
    """Answers for one instant. What is asked for twice is read once."""

    def __init__(
        self,
        connection: AsyncConnection,
        terms: Terms,
        members: Members,
        *,
        now: datetime,
        expiry_since: datetime | None,
    ) -> None:
        self.connection = connection
        self.terms = terms
        self.members = members
        self.now = now
        self.expiry_since = expiry_since
        self._found: dict[UUID, Member] | None = None
        self._books: dict[UUID, PointsBook] | None = None

    def shown(self, points: int) -> Decimal:
        """Points of the books as people see them."""
        scale = self.terms.programme.unit_scale
        return Decimal(points).scaleb(-scale) if scale else Decimal(points)

    async def rows(self) -> dict[UUID, Member]:
        """All members."""
        if self._found is None:
            found = (await self.connection.execute(_MEMBERS)).all()
            for row in found:
                for card in row.cards or ():
                    self.members.ids.setdefault(card, row.id)
            self._found = {row.id: member_of(row) for row in found}
        return self._found

    async def books(self) -> dict[UUID, PointsBook]:
        """The books of all members, with what time has brought by now, written down or not."""
        if self._books is None:
            terms = BookTerms.of(self.terms.programme, self.expiry_since)
            self._books = await open_books(self.connection, (await self.rows()).values(), terms)
            for book in self._books.values():
                book.lapse(self.now, self._new_id)
        return self._books

    def _new_id(self) -> UUID:
        return new_id(self.now)

    async def book_of(self, name: str) -> PointsBook | None:
        """The books of a member of the file; None for one who has not appeared yet."""
        books = await self.books()
        found = self.members.ids.get(name)
        return None if found is None else books.get(found)

    # --- members

    async def balance(self, name: str) -> dict[str, Decimal]:
        """What a member has."""
        book = await self.book_of(name)
        if book is None:
            return {"available": Decimal(0), "pending": Decimal(0)}
        found = book.balance(self.now)
        return {"available": self.shown(found.available), "pending": self.shown(found.pending)}

    async def held(self, name: str) -> Decimal:
        """What is set aside for a member at checkouts."""
        book = await self.book_of(name)
        return self.shown(book.held if book else 0)

    async def lots(self, name: str) -> list[dict[str, Any]]:
        """A member's lots with points left: by expiry, never-expiring ones last, then by age."""
        book = await self.book_of(name)
        if book is None:
            return []
        open_lots = [(book.expiry_of(lot), lot) for lot in book.lots if lot.remaining > 0]
        open_lots.sort(key=lambda one: (one[0] is None, one[0] or self.now, one[1].earned_at))
        return [
            {
                "remaining": self.shown(lot.remaining),
                "available_at": lot.available_at,
                "expires_at": expires_at,
            }
            for expires_at, lot in open_lots
        ]

    async def ledger(self, name: str) -> tuple[list[Decimal], list[Decimal]]:
        """A member's changes in order of posting: entry by entry, and added up by event.

        An order may be several entries, one for each rule; a refund two, one of which lets the
        member off. Expiry is always on its own.
        """
        book = await self.book_of(name)
        if book is None:
            return [], []
        rows = (await self.connection.execute(_ENTRIES, {"member": book.member_id})).all()
        ahead = [entry.points for entry in book.entries]
        single = [row.points for row in rows] + ahead
        together: dict[Any, int] = {}
        for row in rows:
            is_alone = row.event_id is None or row.kind == EntryKind.EXPIRE
            key = row.id if is_alone else (row.event_id, row.sale)
            together[key] = together.get(key, 0) + row.points
        added = [points for points in together.values() if points] + ahead
        return [self.shown(one) for one in single], [self.shown(one) for one in added]

    async def tier(self, name: str) -> str | None:
        """A member's tier; the one that everybody has where they were given none yet."""
        known = await self.rows()
        found = known.get(self.members.ids[name]) if name in self.members.ids else None
        if found is not None and found.tier:
            return found.tier
        levels = self.terms.programme.tiers.levels if self.terms.programme.tiers else ()
        return next((level.name for level in levels if not level.at), None)

    async def consent(self, name: str, channel: str) -> str | None:
        """What a member last said about marketing on a channel, at the address they have now."""
        member = (await self.rows()).get(self.members.ids[name])
        address = (member.email if channel == "email" else member.phone) if member else None
        if address is None:
            return None
        words = await words_on(self.connection, [(channel, address)])
        return words.state(channel, address)

    # --- everybody

    async def total_available(self) -> Decimal:
        """What all members can spend."""
        books = (await self.books()).values()
        return self.shown(sum(book.available(self.now) for book in books))

    async def outstanding(self) -> Decimal:
        """All points that are a liability: spendable, pending and held, of everybody."""
        balances = [book.balance(self.now) for book in (await self.books()).values()]
        return self.shown(sum(max(one.available, 0) + one.pending + one.held for one in balances))

    async def parked(self) -> int:
        """How many events wait for something."""
        return int((await self.connection.execute(_PARKED)).scalar_one())

    async def applied_rules(self, orders: Iterable[str]) -> dict[str, list[str]]:
        """Which of the file's rules fired for an order when it was paid."""
        rows = await self.connection.execute(_FIRED, {"orders": list(orders)})
        names = self.terms.names
        return {
            row.key: [
                names[one]
                for one in row.fired or ()
                if one in names and one not in (row.withheld or ())
            ]
            for row in rows
        }

    async def budget_spent(self, rule: str) -> Decimal:
        """How much of a rule's budget is used."""
        keys = [f"{key}:points:rule:ever" for key, name in self.terms.names.items() if name == rule]
        spent = await self.connection.execute(_SPENT, {"keys": keys})
        return self.shown(int(spent.scalar_one()))

    async def personal_data(self, values: Iterable[str]) -> list[str]:
        """The tables in which any of these texts still stands, in whatever column."""
        wanted = [value.lower() for value in values if value]
        found = []
        for table in await _tables(self.connection):
            query = f"select count(*) from {table} t where lower(t::text) like any(:wanted)"  # noqa: S608
            likes = [f"%{_escaped(value)}%" for value in wanted]
            if wanted and (await self.connection.execute(text(query), {"wanted": likes})).scalar():
                found.append(table)
        return found


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def _tables(connection: AsyncConnection) -> list[str]:
    from loyalty.store.tables import metadata

    return sorted(metadata.tables)


def numbers(values: Mapping[str, Any]) -> dict[str, int]:
    """Counts by name, without those that are nothing."""
    return {name: int(value) for name, value in values.items() if value}
