"""Events of the desks that sell nothing, and what the database says of their accounts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from loyalty.events import Event
from loyalty.programme import Programme
from rules import RuleSet
from tests.flows.booking.desk import ADA, FLAT, NOON, Desk, event

DAY = timedelta(days=1)

RULES = RuleSet.load(
    [
        {
            "id": "per-euro",
            "on": ["order.paid", "payment.completed"],
            "then": [{"earn": {"points": "1", "per": "1.00"}}],
        },
        {
            "id": "welcome",
            "on": ["customer.created"],
            "then": [{"award": {"points": "100", "flat": True}}],
        },
    ]
)
PLAIN = RuleSet.load([RULES.documents()[0]])
"""A point for each euro, and nothing for signing up."""

BO: dict[str, Any] = {"id": "c2", "email": "bo@example.com"}


def programme(**changes: Any) -> Programme:
    """A plain programme with some policies of its own."""
    known = FLAT.model_dump(mode="json")
    return Programme.model_validate({**known, **changes})


def held(id: str, points: int, *, at: datetime = NOON, customer: dict[str, Any] = ADA) -> Event:
    """reward.held, by Ada unless told."""
    return event("reward.held", id, {"id": id, "points": points, "customer": customer}, at=at)


def captured(hold: str, *, used_on: str | None = None, at: datetime = NOON) -> Event:
    """reward.captured; it names nobody."""
    return event("reward.captured", hold, {"hold_id": hold, "used_on": used_on}, at=at)


def released(hold: str, *, key: str = "", at: datetime = NOON) -> Event:
    """reward.released; it names nobody."""
    return event("reward.released", key or hold, {"hold_id": hold}, at=at)


def spent(id: str, points: int, *, at: datetime = NOON, **more: Any) -> Event:
    """reward.redeemed."""
    data = {"id": id, "points": points, "customer": ADA, **more}
    return event("reward.redeemed", id, data, at=at)


def adjusted(id: str, points: int, *, at: datetime = NOON, **more: Any) -> Event:
    """points.adjusted by Anna, for a reason."""
    data = {
        "id": id, "points": points, "reason": "lost parcel", "by": "anna", "customer": ADA, **more,
    }  # fmt: skip
    return event("points.adjusted", id, data, at=at)


def approved(id: str, by: str, *, at: datetime = NOON) -> Event:
    """adjustment.approved."""
    data = {"adjustment_id": id, "by": by}
    return event("adjustment.approved", f"{id}:{by}", data, at=at)


def merged(
    source: dict[str, Any] = BO,
    target: dict[str, Any] = ADA,
    *,
    kind: str = "member.merged",
    key: str = "",
    at: datetime = NOON,
) -> Event:
    """member.merged, or member.unmerged."""
    key = key or f"{source.get('id')}:{target.get('id')}"
    data = {"source": source, "target": target}
    return event(kind, key, data, at=at, subject=f"accounts:{key}")


def erased(customer: dict[str, Any] = ADA, *, at: datetime = NOON) -> Event:
    """member.erased."""
    key = str(customer.get("id", "request-1"))
    return event("member.erased", key, {"customer": customer}, at=at)


def activity(name: str, ref: str, *, at: datetime = NOON) -> Event:
    """activity.reported."""
    data = {"name": name, "ref": ref, "customer": ADA}
    return event("activity.reported", f"{name}:{ref}", data, at=at)


async def ending(desk: Desk, one: Event) -> tuple[str, str]:
    """State and code of an event."""
    rows = await desk.rows(
        "select state, outcome ->> 'code' as code from inbox where business_key = :key",
        key=one.business_key,
    )
    return rows[0].state, rows[0].code or ""


async def balance(desk: Desk, email: str = ADA["email"]) -> tuple[int, int, int]:
    """(available, pending, held) now, after checking that entries and lots agree."""
    await check(desk)
    (row,) = await desk.rows(
        """
        with recursive who as (
            select m.id, m.merged_into from members m
            join identities i on i.member_id = m.id where i.kind = 'email' and i.value = :email
            union
            select m.id, m.merged_into from members m join who w on m.id = w.merged_into)
        select coalesce(sum(l.remaining - l.held) filter (where l.available_at <= :now), 0)
                   - coalesce((select sum(remaining) from debts d where d.member_id = w.id), 0)
                   as available,
               coalesce(sum(l.remaining - l.held) filter (where l.available_at > :now), 0)
                   as pending,
               coalesce(sum(l.held), 0) as held
        from who w left join lots l on l.member_id = w.id
        where w.merged_into is null group by w.id
        """,
        email=email,
        now=desk.now,
    )
    return int(row.available), int(row.pending), int(row.held)


async def check(desk: Desk) -> None:
    """Entries, lots and debts say the same of every account, and no lot is below nothing."""
    broken = await desk.rows("""
        select m.id, m.points, e.points as entries, l.points as lots, d.points as owed
        from members m,
        lateral (select coalesce(sum(points), 0) as points from entries where member_id = m.id) e,
        lateral (select coalesce(sum(remaining), 0) as points from lots where member_id = m.id) l,
        lateral (select coalesce(sum(remaining), 0) as points from debts where member_id = m.id) d
        where m.points <> e.points or m.points <> l.points - d.points
    """)
    assert broken == []
    uneven = await desk.rows("""
        select l.id from lots l left join allocations a on a.lot_id = l.id
        group by l.id having l.points - l.remaining <> coalesce(sum(a.points), 0)
    """)
    assert uneven == []


async def ledger(desk: Desk) -> list[tuple[str, int]]:
    """(kind, points) of all entries in the order of posting."""
    rows = await desk.rows("select kind, points from entries order by id")
    return [(row.kind, row.points) for row in rows]
