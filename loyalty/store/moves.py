"""What belonged to one account belongs to another: rows that follow a merge, or go back."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.points import Move
from loyalty.store.message_moves import move_messages

_MOVE_LOTS = text("""
update lots set member_id = :target, origin_id = coalesce(origin_id, member_id)
where member_id = :source
and (cast(:origins as uuid[]) is null or coalesce(origin_id, member_id) = any(:origins))
""")

_MOVE_DEBTS = text("""
update debts d set member_id = :target from entries e
where e.id = d.entry_id and d.member_id = :source
and (cast(:origins as uuid[]) is null or coalesce(e.origin_id, e.member_id) = any(:origins))
""")

_MOVE_HOLDS = text("""
update holds set member_id = :target
where member_id = :source and state = 'held' and cast(:origins as uuid[]) is null
""")

# A person is paid for joining once, whichever of their accounts it was.
_MOVE_CLAIMS = text("""
update claims c set member_id = :target
where c.member_id = :source and cast(:origins as uuid[]) is null
  and not exists (select 1 from claims o where o.member_id = :target)
""")


async def move_rows(connection: AsyncConnection, move: Move) -> None:
    """Hands lots, debts and open holds on, those that no book had loaded as well."""
    origins = None if move.origins is None else sorted(move.origins)
    values = {"source": move.source, "target": move.target, "origins": origins}
    for statement in (_MOVE_LOTS, _MOVE_DEBTS, _MOVE_HOLDS, _MOVE_CLAIMS):
        await connection.execute(statement, values)
    if move.origins is None:
        await move_messages(connection, move.source, move.target)
