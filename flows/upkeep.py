"""Writes down what time alone has made true: points expired, debts paid, tiers that ended.

No Prefect here: the flow `standing` calls it, and so do tests and scenarios. Nothing waits for
it, since every booking and every reading compares instants by itself; it keeps the ledger from
lagging behind, and tells people of tiers that ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.progress import due_standing
from flows.terms import Terms
from loyalty.book import PointsBook
from loyalty.points import EntryKind
from loyalty.store import books, people
from loyalty.store.books import BookTerms
from loyalty.store.calendar import FIRST
from loyalty.store.database import Database
from loyalty.store.due import Place, due_members
from loyalty.store.ids import new_id

BATCH = 200
"""How many members a transaction looks at: they are locked while it runs."""


@dataclass(slots=True)
class Kept:
    """What a round came to."""

    members: int = 0
    expiries: int = 0
    points_expired: int = 0
    debts_paid: int = 0
    tiers_changed: int = 0


async def keep_up(
    database: Database, terms: Terms, *, progress: Callable[[Kept], None] = lambda kept: None
) -> Kept:
    """Brings all books and tiers up to `terms.now`, in a transaction per batch of members.

    It may be stopped anywhere, run twice and beside itself: what is written down is not there
    to be written down again.

    Args:
        progress: Told after every batch.
    """
    kept, place = Kept(), Place(FIRST)
    while True:
        async with database.begin() as connection:
            looked_at = await bring_up(connection, terms, place, kept)
        progress(kept)
        if looked_at < BATCH:
            break
    while True:
        async with database.begin() as connection:
            ended = await due_standing(connection, terms, limit=BATCH)
        kept.members += ended.members
        kept.tiers_changed += len(ended.emitted)
        progress(kept)
        if not ended.members:
            return kept


async def bring_up(connection: AsyncConnection, terms: Terms, place: Place, kept: Kept) -> int:
    """Brings the books of the next members up to now; moves `place` on and adds to `kept`.

    Returns:
        How many members were looked at: fewer than BATCH once nobody is left.
    """
    policy = terms.programme.expiry
    ids = await due_members(
        connection,
        policy,
        zone=terms.zone,
        since=terms.expiry_since,
        now=terms.now,
        beyond=place.beyond,
        limit=BATCH,
    )
    if not ids:
        return 0
    place.beyond = ids[-1]
    members = await people.lock(connection, ids)
    opened = await books.open_books(
        connection, members.values(), BookTerms.of(terms.programme, terms.expiry_since)
    )
    for one, book in opened.items():
        _bring_up(book, terms, kept)
        if members[one].points != book.total:
            members[one].points, members[one].is_changed = book.total, True
    await people.save(connection, list(members.values()), now=terms.now)
    await books.post(connection, opened.values())
    kept.members += len(ids)
    return len(ids)


def _bring_up(book: PointsBook, terms: Terms, kept: Kept) -> None:
    owed = book.debt
    book.lapse(terms.now, lambda: new_id(terms.now))
    kept.debts_paid += owed - book.debt
    gone = [-one.points for one in book.entries if one.kind is EntryKind.EXPIRE]
    kept.expiries += len(gone)
    kept.points_expired += sum(gone)
