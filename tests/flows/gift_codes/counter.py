"""What is done with gift codes in the tests: made, typed in, uploaded."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from loyalty.events import Event
from loyalty.gift_code_plans import BatchPlan
from loyalty.gift_codes import normal_form
from loyalty.store import gift_code_batches, gift_code_uploads
from loyalty.store.gift_code_batches import NewCode
from tests.flows.booking.desk import ADA, NOON, Desk, event


async def made(desk: Desk, *codes: str, points: int = 100, **rules: Any) -> UUID:
    """A batch with these codes."""
    plan = BatchPlan(**{"name": "Spring", **rules})
    async with desk.database.begin() as connection:
        batch_id = await gift_code_batches.create(
            connection, plan, origin="typed", by="test", now=desk.now
        )
        new = [NewCode(normal_form(code), code, points) for code in codes]
        assert len(await gift_code_batches.add(connection, batch_id, new)) == len(codes)
    return batch_id


def typed(
    code: str,
    request: str = "",
    *,
    customer: dict[str, Any] | None = ADA,
    at: datetime = NOON,
    **more: Any,
) -> Event:
    """gift_code.redeemed, by Ada unless told."""
    key = request or f"{code}:{at.isoformat()}:{(customer or {}).get('id')}"
    data = {"id": key, "code": code, "customer": customer, **more}
    return event("gift_code.redeemed", key, data, at=at)


async def uploaded(desk: Desk, content: bytes | str, *, piece: int = 1_000_000) -> UUID:
    """A file that arrived, in pieces of so many bytes, and is not worked off."""
    raw = content.encode() if isinstance(content, str) else content
    async with desk.database.begin() as connection:
        upload_id = await gift_code_uploads.begin(
            connection, "codes.csv", BatchPlan(name="Parcels"), by="test", now=desk.now
        )
        for number, start in enumerate(range(0, len(raw), piece)):
            part = raw[start : start + piece]
            await gift_code_uploads.append(connection, upload_id, number, part)
        await gift_code_uploads.complete(connection, upload_id)
    return upload_id
