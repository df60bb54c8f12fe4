"""Finds members whose joining anniversary or birthday has come, and puts it into the inbox."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from prefect import flow, get_run_logger
from pydantic import Field

from flows.runtime import runtime
from loyalty.events import Event, EventType, Occasion
from loyalty.occasions import due_years, zone_of
from loyalty.store import calendar, inbox
from loyalty.store.calendar import Candidate

DaysBack = Annotated[int, Field(ge=1, le=30)]


@flow(name="anniversaries", persist_result=False)
async def anniversaries(as_of: datetime | None = None, days_back: DaysBack = 2) -> None:
    """Finds joining anniversaries and birthdays that have come, in each member's own time zone.

    Each is found once a year however often this runs; the `milestones` flow rewards it.

    Args:
        as_of: The instant to ask about; empty for now. Use it to rehearse or to catch up.
        days_back: How far back to look for days that were missed, e.g. in an outage.
    """
    async with runtime() as hub:
        now = as_of or hub.clock()
        back = timedelta(days=days_back)
        terms = await hub.terms()
        async with hub.database.begin() as connection:
            near = await calendar.candidates(connection, now=now, back=back)
            zone = terms.programme.zone
            due = [event for one in near for event in occasions(one, zone, now=now, back=back)]
            new = await inbox.emit(connection, due, now=hub.clock())
    get_run_logger().info("%d due, %d of them new", len(due), len(new))


def occasions(
    candidate: Candidate, programme_zone: str, *, now: datetime, back: timedelta
) -> Iterator[Event]:
    """The events of one member's yearly days that are due."""
    zone = zone_of(candidate.zone, programme_zone)
    days = {
        EventType.ANNIVERSARY_DUE: candidate.joined_at.astimezone(zone).date(),
        EventType.BIRTHDAY_DUE: candidate.birthday,
    }
    member_id = str(candidate.member_id)
    for event_type, day in days.items():
        if day is not None:
            for year in due_years(day, zone, now=now, back=back):
                yield Event(
                    type=event_type,
                    store="hub",
                    key=f"{member_id}:{year}",
                    time=now,
                    subject=f"member:{member_id}",
                    data=Occasion(member_id=member_id, year=year, years=year - day.year),
                )
