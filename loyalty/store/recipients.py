"""Who a message went to, as its links find the person again, and what they said so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.consent_links import Behind
from loyalty.events import Channel
from loyalty.store.opt_ins import Request
from loyalty.store.tables import opt_in_requests


@dataclass(frozen=True, slots=True)
class Recipient:
    """The person behind a link.

    Attributes:
        channel: On which the link was sent, to `address`.
        member_id: Whose account it is now, after all merges; None for somebody who is no member.
        addresses: Every address the person can be written to, by channel.
    """

    behind: Behind
    channel: Channel
    address: str
    member_id: UUID | None
    locale: str
    addresses: dict[Channel, str]


_BY_DELIVERY = text("""
with recursive owner as (
    select m.id, m.merged_into, m.email, m.phone, m.locale
    from deliveries d join members m on m.id = d.member_id where d.id = :id
    union
    select m.id, m.merged_into, m.email, m.phone, m.locale
    from owner o join members m on m.id = o.merged_into
)
select d.capability as channel, d.target as address, o.id as member_id, o.locale, o.email, o.phone
from deliveries d left join owner o on o.merged_into is null
where d.id = :id
""")

_BY_MEMBER = text("""
with recursive owner as (
    select id, merged_into, email, phone, locale from members where id = :id
    union
    select m.id, m.merged_into, m.email, m.phone, m.locale
    from owner o join members m on m.id = o.merged_into
)
select cast(:channel as text) as channel, o.id as member_id, o.locale, o.email, o.phone,
       case cast(:channel as text) when 'email' then o.email else o.phone end as address
from owner o where o.merged_into is null
""")


async def recipient_of(connection: AsyncConnection, behind: Behind) -> Recipient | None:
    """Who a link is about; None where that is no message, or the person was forgotten."""
    if behind.delivery_id is not None:
        found = await connection.execute(_BY_DELIVERY, {"id": behind.delivery_id})
    else:
        asked: dict[str, Any] = {"id": behind.member_id, "channel": behind.channel.value}
        found = await connection.execute(_BY_MEMBER, asked)
    row = found.first()
    if row is None or not row.address or row.channel not in set(Channel):
        return None
    channel = Channel(row.channel)
    known = {Channel.EMAIL: row.email, Channel.SMS: row.phone}
    addresses = {one: address for one, address in known.items() if address}
    return Recipient(
        behind,
        channel,
        row.address,
        row.member_id,
        row.locale or "",
        addresses | {channel: row.address},
    )


async def something_waits(connection: AsyncConnection, addresses: Sequence[str]) -> bool:
    """Whether something that was said about these addresses is not booked yet."""
    row = await connection.execute(
        text("""
            select 1 from inbox
            where state = 'waiting' and subject = any(cast(:subjects as text[])) limit 1
        """),
        {"subjects": [f"contact:{one}" for one in addresses]},
    )
    return row.first() is not None


async def request_of(connection: AsyncConnection, request_id: UUID) -> Request | None:
    """A double opt-in that was asked for, not locked; None where there is none."""
    query = opt_in_requests.select().where(opt_in_requests.c.id == request_id)
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    return Request(**{name: getattr(row, name) for name in Request.__slots__})


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """A line of the log of consents."""

    channel: str
    address: str
    purpose: str
    topic: str
    state: str
    source: str
    text_version: str
    occurred_at: datetime


async def consent_log(
    connection: AsyncConnection, member_id: UUID, *, limit: int
) -> list[ConsentLine]:
    """What a member said about being written to, the latest first."""
    rows = await connection.execute(
        text("""
            select channel, address, purpose, topic, state, source, text_version, occurred_at
            from consents where member_id = :id order by occurred_at desc, id desc limit :limit
        """),
        {"id": member_id, "limit": limit},
    )
    return [ConsentLine(*row) for row in rows]
