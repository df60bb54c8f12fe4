"""Puts an event into the inbox for somebody at the console, and says what became of it."""

from __future__ import annotations

from gateway.console.visit import Turned, Visitor
from gateway.outcomes import outcome_of
from gateway.work import Crowded, Unstorable, Work
from loyalty.events import Event
from loyalty.store.inbox import Incoming
from loyalty.store.member_records import EventOutcome


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
    return await outcome_of(visit.house.database, event.business_key)


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
