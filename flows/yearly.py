"""Puts yearly days that have come into the inbox: joining anniversaries and birthdays.

No Prefect here: the flow `anniversaries` calls it, and so do tests and scenarios. Every day since
the last look is found, however long the hub was down, and each once a year however often this
runs: the event's key is the member and the year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.events import Event, EventType, Occasion
from loyalty.occasions import came_due, may_be_paid, zone_for
from loyalty.programme import Programme
from loyalty.store import calendar, inbox
from loyalty.store.calendar import FIRST, Candidate
from loyalty.store.database import Database

OVERLAP = timedelta(days=2)
"""How far each look goes back beyond the last one: a birthday may have been told in time, and
its event worked off late."""

BATCH = 1000
"""How many members a transaction looks at."""


@dataclass(slots=True)
class Found:
    """What a look came to."""

    members: int = 0
    due: int = 0
    new: int = 0


async def celebrate(
    database: Database,
    programme: Programme,
    *,
    now: datetime,
    progress: Callable[[Found], None] = lambda found: None,
) -> Found:
    """Finds all yearly days that began since the last look and not later than now.

    In a transaction per batch of members, so that it holds nobody up and loses nothing when it
    is stopped; running twice, or beside itself, does nothing more.

    Args:
        progress: Told after every batch.
    """
    async with database.begin() as connection:
        seen = await calendar.seen_until(connection)
    after = min(seen or now, now) - OVERLAP
    found, beyond = Found(), FIRST
    while True:
        async with database.begin() as connection:
            near = await calendar.candidates(
                connection, after=after, until=now, beyond=beyond, limit=BATCH
            )
            due = [
                event for one in near for event in occasions(one, programme, after=after, until=now)
            ]
            new = await inbox.emit(connection, due, now=now)
            if len(near) < BATCH:
                await calendar.note_seen(connection, now, now=now)
        found.members += len(near)
        found.due += len(due)
        found.new += len(new)
        progress(found)
        if len(near) < BATCH:
            return found
        beyond = near[-1].member_id


def occasions(
    one: Candidate, programme: Programme, *, after: datetime, until: datetime
) -> Iterator[Event]:
    """The events of one member's yearly days that began in a stretch of time."""
    policy = programme.anniversary
    zone = zone_for(policy, member=one.zone, programme=programme.zone)
    joined = one.joined_at.astimezone(zone).date()
    for year, starts in came_due(joined, zone, policy, after=after, until=until):
        yield _event(EventType.ANNIVERSARY_DUE, one, year, years=year - joined.year, at=starts)
    if one.birthday is None:
        return
    birthday = programme.birthday
    zone = zone_for(birthday, member=one.zone, programme=programme.zone)
    for year, starts in came_due(one.birthday, zone, birthday, after=after, until=until):
        if starts >= one.joined_at and may_be_paid(
            birthday, starts=starts, told_at=one.told_at, paid_at=one.paid_at
        ):
            years = year - one.birthday.year
            yield _event(EventType.BIRTHDAY_DUE, one, year, years=years, at=starts)


def _event(event_type: EventType, one: Candidate, year: int, *, years: int, at: datetime) -> Event:
    member_id = str(one.member_id)
    return Event(
        type=event_type,
        store="hub",
        key=f"{member_id}:{year}",
        time=at,
        subject=f"member:{member_id}",
        data=Occasion(member_id=member_id, year=year, years=years),
    )
