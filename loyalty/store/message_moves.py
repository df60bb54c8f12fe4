"""What becomes of a person's messages when accounts become one, and when a person is forgotten."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Two open windows of one person become one: the older, with what both are about.
_JOIN_WINDOWS = text("""
update digests t set
    event_ids = t.event_ids || s.event_ids,
    sales = (select coalesce(array_agg(distinct one), '{}') from unnest(t.sales || s.sales) as one),
    opened_at = least(t.opened_at, s.opened_at), due_at = least(t.due_at, s.due_at)
from digests s
where s.member_id = :source and s.state = 'open' and t.member_id = :target and t.state = 'open'
  and t.template = s.template and t.channel = s.channel
""")
_END_JOINED = text("""
update digests s set state = 'merged', ended_at = t.opened_at
from digests t
where s.member_id = :source and s.state = 'open' and t.member_id = :target and t.state = 'open'
  and t.template = s.template and t.channel = s.channel
""")
_MOVE_WINDOWS = text("""
update digests set member_id = :target where member_id = :source and state = 'open'
""")
_MOVE_CHAINS = text("""
update fallbacks set member_id = :target where member_id = :source and state = 'waiting'
""")
_MOVE_REMINDERS = text("""
insert into expiry_reminders (member_id, last_day, days, points, reminded_at)
select :target, last_day, days, points, reminded_at from expiry_reminders
where member_id = :source
on conflict do nothing
""")


async def move_messages(connection: AsyncConnection, source: UUID, target: UUID) -> None:
    """Hands on what is still to be said to the member of an account that became another's.

    Passes stay where they are: each shows the account it was made for until it is shown anew.
    """
    values = {"source": source, "target": target}
    await connection.execute(_JOIN_WINDOWS, values)
    for statement in (_END_JOINED, _MOVE_WINDOWS, _MOVE_CHAINS, _MOVE_REMINDERS):
        await connection.execute(statement, values)


FORGET_MESSAGES = (
    # What a rule asked to be said may name the person.
    text("""
update digests set effect = '{}'::jsonb,
    state = case when state = 'open' then 'empty' else state end,
    ended_at = coalesce(ended_at, due_at)
where member_id = any(cast(:ids as uuid[]))
"""),
    text("""
update fallbacks set rest = '[]'::jsonb, key = 'forgotten:' || id, reason = '',
    state = case when state = 'waiting' then 'ended' else state end
where member_id = any(cast(:ids as uuid[]))
"""),
    text("delete from expiry_reminders where member_id = any(cast(:ids as uuid[]))"),
    text("delete from wallet_passes where member_id = any(cast(:ids as uuid[]))"),
    # What people did with their mails goes; how many there were stays in the figures.
    text("""
update engagements set last_link = '' where delivery_id in (
    select id from deliveries where member_id = any(cast(:ids as uuid[])))
"""),
)
"""Empties what messages tell of forgotten people; `ids` are their accounts."""
