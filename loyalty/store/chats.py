"""Conversations and the invitations sent in them, in the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.chats import ChatInvitation, Contact

Who = tuple[str, str]
"""(store, contact)"""

_CONTACTS = text("""
select c.* from chat_contacts c
join unnest(cast(:stores as text[]), cast(:contacts as text[])) as w(store, contact)
     on w.store = c.store and w.contact = c.contact
order by c.store, c.contact for update of c
""")


async def contacts(connection: AsyncConnection, whom: Collection[Who]) -> dict[Who, Contact]:
    """Who of these has written, locked for the rest of the transaction."""
    if not whom:
        return {}
    pairs = sorted(set(whom))
    rows = await connection.execute(
        _CONTACTS, {"stores": [one for one, _ in pairs], "contacts": [one for _, one in pairs]}
    )
    return {(row.store, row.contact): _contact(row) for row in rows}


_SAVE_CONTACT = text("""
insert into chat_contacts as c (store, contact, channel, last_message_at, last_text, place,
                                member_id, stopped_at)
values (:store, :contact, :channel, :last_message_at, :last_text, :place, :member_id, :stopped_at)
on conflict (store, contact) do update set
    last_text = case when c.last_message_at is null
                       or excluded.last_message_at >= c.last_message_at
                     then excluded.last_text else c.last_text end,
    place = case when c.last_message_at is null
                   or excluded.last_message_at >= c.last_message_at
                 then excluded.place else c.place end,
    last_message_at = greatest(c.last_message_at, excluded.last_message_at),
    member_id = coalesce(excluded.member_id, c.member_id),
    stopped_at = coalesce(c.stopped_at, excluded.stopped_at)
""")


async def save_contacts(connection: AsyncConnection, changed: Iterable[Contact]) -> None:
    """Writes who wrote; of two transactions at once the later message counts."""
    rows = [
        {
            "store": one.store,
            "contact": one.contact,
            "channel": one.channel,
            "last_message_at": one.last_message_at,
            "last_text": one.last_text,
            "place": one.place,
            "member_id": one.member_id,
            "stopped_at": one.stopped_at,
        }
        for one in sorted(changed, key=lambda one: (one.store, one.contact))
    ]
    if rows:
        await connection.execute(_SAVE_CONTACT, rows)


_INVITATIONS = text("""
select * from chat_invitations where id = any(cast(:ids as uuid[])) order by id for update
""")


async def invitations(
    connection: AsyncConnection, ids: Collection[UUID]
) -> dict[UUID, ChatInvitation]:
    """These invitations, locked for the rest of the transaction."""
    if not ids:
        return {}
    rows = await connection.execute(_INVITATIONS, {"ids": sorted(ids)})
    return {row.id: _invitation(row) for row in rows}


_SAVE_INVITATION = text("""
insert into chat_invitations (id, store, contact, sent_by, sent_at, expires_at, member_id,
                              bound_at)
values (:id, :store, :contact, :sent_by, :sent_at, :expires_at, :member_id, :bound_at)
on conflict (id) do update set member_id = excluded.member_id, bound_at = excluded.bound_at
where chat_invitations.member_id is null
""")


async def save_invitations(connection: AsyncConnection, changed: Iterable[ChatInvitation]) -> None:
    """Writes invitations that are new or have bound somebody."""
    rows = [
        {
            "id": one.id,
            "store": one.store,
            "contact": one.contact,
            "sent_by": one.sent_by,
            "sent_at": one.sent_at,
            "expires_at": one.expires_at,
            "member_id": one.member_id,
            "bound_at": one.bound_at,
        }
        for one in changed
    ]
    if rows:
        await connection.execute(_SAVE_INVITATION, rows)


# --- for people who look -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as the team sees it, with its latest invitation."""

    contact: Contact
    member_name: str
    invited_at: datetime | None
    link_until: datetime | None
    bound_at: datetime | None


_CONVERSATIONS = text("""
select c.*, coalesce(nullif(trim(m.first_name || ' ' || m.last_name), ''), m.email, '') as name,
    i.sent_at, i.expires_at, i.bound_at
from chat_contacts c left join members m on m.id = c.member_id
left join lateral (
    select sent_at, expires_at, bound_at from chat_invitations i
    where i.store = c.store and i.contact = c.contact order by sent_at desc limit 1
) i on true
order by c.last_message_at desc nulls last, c.store, c.contact limit :limit
""")


async def conversations(connection: AsyncConnection, *, limit: int = 100) -> list[Conversation]:
    """Who wrote lately, the latest first."""
    rows = await connection.execute(_CONVERSATIONS, {"limit": limit})
    return [
        Conversation(_contact(row), row.name, row.sent_at, row.expires_at, row.bound_at)
        for row in rows
    ]


async def forget(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Forgets what these people wrote, and who they are in chats.

    The caller has allowed the log of attempts to be changed (`hub.erasing`).
    """
    await connection.execute(
        text("""
            update deliveries d set key = 'forgotten:' || id, input = '{}'::jsonb, target = ''
            from chat_contacts c
            where c.member_id = any(cast(:ids as uuid[])) and d.target = c.contact
              and d.connector || '/' || d.connection = c.store and d.capability = 'push'
        """),
        {"ids": list(ids)},
    )
    await connection.execute(
        text("delete from chat_contacts where member_id = any(cast(:ids as uuid[]))"),
        {"ids": list(ids)},
    )
    await connection.execute(
        text("""
            update chat_invitations set contact = 'forgotten'
            where member_id = any(cast(:ids as uuid[]))
        """),
        {"ids": list(ids)},
    )


def _contact(row: Any) -> Contact:
    return Contact(
        store=row.store,
        contact=row.contact,
        channel=row.channel,
        last_message_at=row.last_message_at,
        last_text=row.last_text,
        place=row.place,
        member_id=row.member_id,
        stopped_at=row.stopped_at,
    )


def _invitation(row: Any) -> ChatInvitation:
    return ChatInvitation(
        id=row.id,
        store=row.store,
        contact=row.contact,
        sent_by=row.sent_by,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        member_id=row.member_id,
        bound_at=row.bound_at,
        is_changed=False,
    )
