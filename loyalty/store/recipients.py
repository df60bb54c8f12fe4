"""Who a message went to, as its links find it again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import Channel


@dataclass(frozen=True, slots=True)
class Recipient:
    """The person of a delivery.

    Attributes:
        member_id: Whose account it is now, after all merges; None for somebody who is no member.
        addresses: The member's own beside the one written to, by channel.
    """

    delivery_id: UUID
    channel: Channel
    address: str
    member_id: UUID | None
    locale: str
    addresses: dict[Channel, str]


_RECIPIENT = text("""
with recursive owner as (
    select d.id as delivery, m.id, m.merged_into, m.email, m.phone, m.locale
    from deliveries d join members m on m.id = d.member_id where d.id = :id
    union
    select o.delivery, m.id, m.merged_into, m.email, m.phone, m.locale
    from owner o join members m on m.id = o.merged_into
)
select d.id, d.capability, d.target, o.id as member_id, coalesce(o.locale, '') as locale,
       o.email, o.phone
from deliveries d left join owner o on o.delivery = d.id and o.merged_into is null
where d.id = :id
""")


async def recipient_of(connection: AsyncConnection, delivery_id: UUID) -> Recipient | None:
    """Who the delivery is for; None where it is no message, or was forgotten."""
    row = (await connection.execute(_RECIPIENT, {"id": delivery_id})).first()
    if row is None or not row.target or row.capability not in set(Channel):
        return None
    channel = Channel(row.capability)
    known = {Channel.EMAIL: row.email, Channel.SMS: row.phone}
    addresses = {one: address for one, address in known.items() if address}
    return Recipient(
        row.id, channel, row.target, row.member_id, row.locale, addresses | {channel: row.target}
    )
