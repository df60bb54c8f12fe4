"""What members hear of their rewards: the code when it is there, a reminder before it expires."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from flows.announcing import Announcement, announce
from flows.terms import Terms
from loyalty.reward_use import use_target
from loyalty.store import rewards
from loyalty.store.people import Member, member_of
from loyalty.store.rewards import Reward, next_reminder, reward_of

BATCH = 500


def of_issuing(reward: Reward, member: Member, *, event_id: int) -> Announcement:
    """Brings the code; it answers what the member asked for, so it is no advertising."""
    return Announcement(
        key=f"reward:{reward.id}:issued",
        template="reward_issued",
        channel="auto",
        purpose="transactional",
        member=member,
        values=_values(reward, member),
        valid_until=reward.expires_at,
        event_id=event_id,
    )


def of_reminding(reward: Reward, member: Member) -> Announcement:
    """Says that a code is not used yet; of no use once it has expired."""
    assert reward.remind_at is not None
    return Announcement(
        key=f"reward:{reward.id}:reminder:{reward.remind_at:%Y%m%d}",
        template="reward_reminder",
        channel="auto",
        purpose="marketing",
        member=member,
        values=_values(reward, member),
        topic="rewards",
        valid_until=reward.expires_at,
    )


def _values(reward: Reward, member: Member) -> dict[str, str]:
    ends_at = reward.expires_at
    return {
        "reward": reward.terms.name_in(member.locale),
        "code": reward.code,
        "ends_at": ends_at.isoformat() if ends_at else "",
        "link": use_target(reward.terms, store=reward.store, code=reward.code).url,
    }


_DUE = text("""
select * from rewards
where state = 'issued' and remind_at <= :now and void is null
  and (expires_at is null or expires_at > :now)
order by remind_at, id limit :limit for update skip locked
""")
_MEMBERS = text("select * from members where id = any(cast(:ids as uuid[]))")


async def remind(connection: AsyncConnection, terms: Terms) -> int:
    """Plans the reminders that are due, up to BATCH, and when the next of each is.

    A reminder that was missed while the hub was down is sent once, and not one for each day.

    Returns:
        How many rewards were looked at: 0 once nothing is due.
    """
    rows = await connection.execute(_DUE, {"now": terms.now, "limit": BATCH})
    due = [reward_of(row) for row in rows]
    if not due:
        return 0
    ids = sorted({one.member_id for one in due})
    found = {row.id: member_of(row) for row in await connection.execute(_MEMBERS, {"ids": ids})}
    told = [of_reminding(one, found[one.member_id]) for one in due if one.code]
    await announce(connection, told, terms=terms)
    for one in due:
        one.remind_at = next_reminder(one.terms, one.expires_at, after=terms.now)
    await rewards.change(connection, due)
    return len(due)
