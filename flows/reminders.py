"""Tells people that points expire, so many days before the last day on which they can be used.

No Prefect here: the flow `expiry-reminders` calls it, and so do tests and scenarios. Each reminder
is a row before it is a message, so that running twice, beside itself or again after an outage
reminds nobody twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.announcing import Announcement, announce
from flows.terms import Terms
from loyalty.book import PointsBook
from loyalty.expiry import first_instant
from loyalty.reminders import Due, Expiring, due_reminders
from loyalty.store import books, people, reminders
from loyalty.store.books import BookTerms
from loyalty.store.calendar import FIRST
from loyalty.store.database import Database
from loyalty.store.due import Place
from loyalty.store.ids import new_id
from loyalty.store.people import Member
from loyalty.store.reminders import Question

BATCH = 200
"""How many members a transaction looks at: they are locked while it runs."""


@dataclass(slots=True)
class Reminded:
    """What a round came to.

    Attributes:
        expected: How many members are to be looked at, as known at the beginning.
    """

    expected: int = 0
    members: int = 0
    messages: int = 0
    points: int = 0


async def _in_silence(_: Reminded) -> None:
    """Tells nobody."""


async def remind(
    database: Database,
    terms: Terms,
    *,
    progress: Callable[[Reminded], Awaitable[None]] = _in_silence,
) -> Reminded:
    """Gives every reminder that is due at `terms.now`, in a transaction per batch of members.

    Args:
        progress: Told after every batch.
    """
    done, place = Reminded(), Place(FIRST)
    async with database.begin() as connection:
        done.expected = await reminders.count(connection, _question(terms))
    while True:
        async with database.begin() as connection:
            looked_at = await remind_some(connection, terms, place, done)
        await progress(done)
        if looked_at < BATCH:
            return done


async def remind_some(
    connection: AsyncConnection, terms: Terms, place: Place, done: Reminded
) -> int:
    """Reminds the next members; moves `place` on and adds to `done`.

    Returns:
        How many members were looked at: fewer than BATCH once nobody is left.
    """
    asked = _question(terms)
    ids = await reminders.candidates(connection, asked, beyond=place.beyond, limit=BATCH)
    if not ids:
        return 0
    place.beyond = ids[-1]
    members = await people.lock(connection, ids)
    opened = await books.open_books(
        connection, members.values(), BookTerms.of(terms.programme, terms.expiry_since)
    )
    due = [(one, found) for one, book in opened.items() for found in _due(book, terms)]
    new = await reminders.note(connection, due, now=terms.now)
    said = _announcements([one for one in due if one in new], members, opened, terms)
    planned = await announce(connection, said, terms=terms)
    done.members += len(ids)
    done.messages += sum(1 for one in planned if one.state != "suppressed")
    done.points += sum(one.points for _, one in new)
    return len(ids)


def _question(terms: Terms) -> Question:
    programme = terms.programme
    return Question(
        programme.expiry, programme.reminders.days, terms.zone, terms.expiry_since, terms.now
    )


def _due(book: PointsBook, terms: Terms) -> list[Due]:
    """The reminders of a member, by what the books say now; nothing of it is written."""
    book.lapse(terms.now, lambda: new_id(terms.now))
    expiring = [
        Expiring(lot.free, gone, lot.earned_at)
        for lot in book.lots
        if lot.free and (gone := book.expiry_of(lot)) is not None
    ]
    days = terms.programme.reminders.days
    return due_reminders(expiring, days, now=terms.now, zone=terms.zone)


def _announcements(
    due: Sequence[tuple[UUID, Due]],
    members: Mapping[UUID, Member],
    opened: Mapping[UUID, PointsBook],
    terms: Terms,
) -> list[Announcement]:
    return [
        Announcement(
            key=f"expiry:{member_id}:{one.last_day.isoformat()}:{one.days}",
            template=terms.programme.reminders.template,
            channel="email" if members[member_id].email else "sms",
            purpose="marketing",
            member=members[member_id],
            values={
                "points": one.points,
                "last_day": one.last_day.isoformat(),
                "balance": opened[member_id].available(terms.now),
            },
            valid_until=first_instant(one.last_day + timedelta(days=1), terms.zone),
        )
        for member_id, one in due
    ]
