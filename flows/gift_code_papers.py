"""What a batch of events needs to know of gift codes, loaded and locked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.events import EventType
from loyalty.gift_codes import guard_of_member, guard_of_origin, readings
from loyalty.store import gift_codes
from loyalty.store.gift_codes import CodeBook
from loyalty.store.inbox import Claimed


async def open_codes(
    connection: AsyncConnection, items: Sequence[Claimed], member_of: Mapping[int, UUID]
) -> CodeBook:
    """The codes that the batch is about, and how far its members, who are locked, came with them.

    Args:
        member_of: Whom each event concerns, merges followed.
    """
    typed = {
        item.id: item.event.data
        for item in items
        if item.event.type is EventType.GIFT_CODE_REDEEMED
    }
    if not typed:
        return CodeBook()
    shapes = await gift_codes.shapes(connection)
    wanted = {code for one in typed.values() for code in readings(one.code, shapes)}
    holders = {member_of[item] for item in typed if item in member_of}
    guards = {guard_of_member(one) for one in holders}
    guards |= {guard_of_origin(one.origin) for one in typed.values() if one.origin}
    book = await gift_codes.lock(connection, wanted, holders=holders, guards=guards)
    book.shapes = shapes
    return book
