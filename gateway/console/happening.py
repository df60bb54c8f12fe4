"""Puts an event into the inbox for somebody at the console, and says what became of it."""

from __future__ import annotations

import asyncio
from time import monotonic

from gateway.console.visit import Turned, Visitor
from gateway.work import Crowded, Unstorable, Work
from loyalty.events import Event
from loyalty.store.inbox import Incoming
from loyalty.store.member_records import EventOutcome, outcome_of

PATIENCE_SECONDS = 2.0
"""How long a page waits for what becomes of an event: at rest it takes some milliseconds."""


async def happened(visit: Visitor, event: Event) -> EventOutcome | None:
    """Keeps the event and waits for its end for a moment; None while nobody has worked it off.

    The same event again is kept once, and its outcome is that of the first.

    Raises:
        Turned: It could not be kept; nothing was changed.
    """
    work = Work(incoming=[Incoming(event=event, received_at=visit.now)])
    try:
        await visit.house.commit.keep(work)
    except (Crowded, Unstorable) as error:
        advice = str(error) or "Too much waits at the moment. Try again in a minute."
        raise Turned(503, "This could not be kept", advice) from None
    until = monotonic() + PATIENCE_SECONDS
    while monotonic() < until:
        async with visit.house.database.begin() as connection:
            found = await outcome_of(connection, event.business_key)
        if found is not None and found.state != "waiting":
            return found
        await asyncio.sleep(0.05)
    return None


def told(outcome: EventOutcome | None, *, done: str) -> tuple[str, str]:
    """The tone and the words for the next page."""
    if outcome is None:
        return "wait", "It is kept, and is worked off as soon as a worker is free."
    match outcome.state:
        case "done":
            return "good", done
        case "parked":
            return "wait", f"It waits: {outcome.reason}."
        case _:
            return "bad", f"It was refused: {outcome.reason}."
