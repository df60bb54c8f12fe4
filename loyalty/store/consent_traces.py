"""Forgetting what a person agreed to: consents, requests, reviews, suppressions, messages.

The rows of the log stay, without the address; an address that nobody has any more needs no
suppression, and one that comes back begins anew: without consent, nothing is sent to it.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_STATEMENTS = tuple(
    text(statement)
    for statement in (
        """
        update consents set address = 'forgotten', source = split_part(source, ' ', 1)
        where member_id = any(cast(:ids as uuid[])) or address = any(cast(:words as text[]))
        """,
        """
        delete from opt_in_requests
        where member_id = any(cast(:ids as uuid[])) or address = any(cast(:words as text[]))
        """,
        """
        delete from reviews
        where member_id = any(cast(:ids as uuid[])) or address = any(cast(:words as text[]))
        """,
        "delete from suppressions where address = any(cast(:words as text[]))",
        """
        update verdicts set known = '{}' where delivery_id in (
            select id from deliveries where member_id = any(cast(:ids as uuid[]))
               or (purpose <> '' and target = any(cast(:words as text[]))))
        """,
        """
        update deliveries set key = 'forgotten:' || id, input = '{}'::jsonb, target = '',
            zone = '', vendor_id = '', owner = '', lease_until = null,
            reason = case when state in ('sent', 'sending') then ''
                          else 'the person asked to be forgotten' end,
            state = case when state in ('pending', 'parked', 'held') then 'cancelled'
                         else state end
        where purpose <> '' and target = any(cast(:words as text[]))
        """,
        "update deliveries set zone = '' where member_id = any(cast(:ids as uuid[]))",
    )
)


async def forget(
    connection: AsyncConnection, *, ids: Collection[UUID], words: Collection[str]
) -> None:
    """Empties or deletes whatever tells of these accounts and addresses.

    Args:
        words: E-mail addresses and telephone numbers, in the hub's spelling.
    """
    wanted = {"ids": sorted(ids), "words": sorted(words)}
    for statement in _STATEMENTS:
        await connection.execute(statement, wanted)
