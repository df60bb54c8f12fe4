"""Says once what was collected for a member, with what is true when the window closes.

No Prefect here: whatever looks for due deliveries closes due windows first. A window is closed
in the transaction that plans its message, by whoever holds it: two workers say it once, and one
that is killed has said nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.announcing import Announcement, announce
from loyalty.book import PointsBook
from loyalty.events import Event
from loyalty.sales import Sale
from loyalty.store import books, digests, people
from loyalty.store.books import BookTerms
from loyalty.store.digests import EMPTY, SENT, Collected, Digest, Worth
from loyalty.store.ids import new_id
from loyalty.store.people import Member
from rules.decision import Effect, EffectKind

if TYPE_CHECKING:
    from flows.terms import Terms

BATCH = 200
"""How many windows a transaction closes: they and their members are held while it runs."""


def collects(effect: Effect, event: Event, terms: Terms) -> bool:
    """Whether the programme collects such a message instead of sending it.

    What would be late is planned like any other message, so that the gate says so.
    """
    if effect.kind is not EffectKind.SEND_MESSAGE or effect.template not in terms.programme.digests:
        return False
    hours = terms.programme.max_lateness_hours
    return hours is None or terms.now - event.time <= timedelta(hours=hours)


def collected(
    effect: Effect, member: Member, *, event_id: int, sale: Sale | None, terms: Terms
) -> Collected:
    """What a message comes to that is not sent but collected."""
    window = timedelta(minutes=terms.programme.digests[effect.template].minutes)
    return Collected(
        member_id=member.id,
        template=effect.template,
        channel=effect.channel,
        effect=effect.model_dump(mode="json"),
        event_ids=[event_id],
        sales=[sale.key] if sale is not None else [],
        at=terms.now,
        due_at=terms.now + window,
    )


async def close_where_due(connection: AsyncConnection, terms: Terms, *, limit: int = BATCH) -> int:
    """Closes windows that are due, each with one message or none.

    Returns:
        How many members were looked at: none once nothing is left.
    """
    ids = await digests.members_with_due(connection, now=terms.now, limit=limit)
    if not ids:
        return 0
    members = await people.lock(connection, sorted(ids))
    due = await digests.due(connection, ids, now=terms.now)
    opened = await books.open_books(
        connection, members.values(), BookTerms.of(terms.programme, terms.expiry_since)
    )
    for book in opened.values():
        book.lapse(terms.now, lambda: new_id(terms.now))
    worth = await digests.worth(connection, [one.id for one in due])
    told = [one for one in due if worth[one.id].points > 0 and one.effect]
    said = [_announcement(one, worth[one.id], members, opened, terms) for one in told]
    await announce(connection, said, terms=terms)
    sent = {one.id for one in told}
    ended = [(one.id, SENT if one.id in sent else EMPTY) for one in due]
    await digests.close(connection, ended, now=terms.now)
    return len(ids)


def _announcement(
    one: Digest,
    worth: Worth,
    members: Mapping[UUID, Member],
    opened: Mapping[UUID, PointsBook],
    terms: Terms,
) -> Announcement:
    effect = Effect.model_validate(one.effect)
    heir = people.heir(dict(members), one.member_id)
    plan = terms.programme.digests.get(one.template)
    return Announcement(
        key=f"digest:{one.id}",
        template=(plan.template if plan else "") or one.template,
        channel=cast(Literal["email", "sms", "auto"], effect.channel),
        purpose=cast(Literal["marketing", "transactional"], effect.purpose),
        member=members[heir],
        values={
            **effect.values,
            "points": worth.points,
            "count": worth.count,
            "balance": opened[heir].available(terms.now),
        },
        topic=effect.topic,
        priority=effect.priority,
    )
