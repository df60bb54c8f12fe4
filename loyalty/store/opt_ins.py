"""Requests of double opt-in, reviews of wishes to stop, suppressions: read, written, looked up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.consent_links import Behind
from loyalty.events import Channel
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import opt_in_requests, reviews, suppressions

Address = tuple[str, str]


@dataclass(slots=True)
class Request:
    """A consent that waits for its confirmation. From `expires_at` on its link is dead."""

    id: UUID
    channel: str
    address: str
    member_id: UUID | None
    token_hash: str
    requested_at: datetime
    expires_at: datetime
    source: str = ""
    text_version: str = ""
    confirmed_at: datetime | None = None


@dataclass(slots=True)
class Review:
    """What a person wrote that may be a wish to stop; somebody has to read it."""

    id: UUID
    channel: str
    address: str
    member_id: UUID | None
    body: str
    asked_at: datetime
    source: str = ""
    state: str = "open"
    decided_at: datetime | None = None
    decision: str = ""
    decided_by: str = ""


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that nothing is sent to any more."""

    channel: str
    address: str
    reason: str
    since: datetime
    source: str = ""
    detail: str = ""


_REQUESTS = text("select * from opt_in_requests where id = any(cast(:ids as uuid[])) for update")
_LATEST = text("""
select distinct on (channel, address) * from opt_in_requests
where (channel, address) in (
    select * from unnest(cast(:channels as text[]), cast(:addresses as text[])))
order by channel, address, requested_at desc
""")
_REVIEWS = text("select * from reviews where id = any(cast(:ids as uuid[])) for update")


async def requests(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Request]:
    """Requests by id, locked."""
    if not ids:
        return {}
    rows = await connection.execute(_REQUESTS, {"ids": sorted(ids)})
    return {row.id: _request(row) for row in rows}


async def latest_requests(
    connection: AsyncConnection, addresses: Collection[Address]
) -> dict[Address, Request]:
    """The latest request of each (channel, address)."""
    if not addresses:
        return {}
    channels, values = zip(*sorted(addresses), strict=True)
    rows = await connection.execute(
        _LATEST, {"channels": list(channels), "addresses": list(values)}
    )
    return {(row.channel, row.address): _request(row) for row in rows}


async def save_requests(connection: AsyncConnection, changed: Sequence[Request]) -> None:
    """Writes new requests, and of known ones that they were confirmed."""
    rows = [_fields(one, Request) for one in changed]
    await insert_rows(
        connection,
        opt_in_requests,
        rows,
        tail="on conflict (id) do update set confirmed_at = excluded.confirmed_at",
    )


async def reviews_by_id(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Review]:
    """Reviews by id, locked."""
    if not ids:
        return {}
    rows = await connection.execute(_REVIEWS, {"ids": sorted(ids)})
    return {row.id: _review(row) for row in rows}


async def open_reviews(connection: AsyncConnection, *, limit: int = 100) -> list[Review]:
    """What waits for somebody to read it, oldest first."""
    rows = await connection.execute(
        text("select * from reviews where state = 'open' order by asked_at, id limit :limit"),
        {"limit": limit},
    )
    return [_review(row) for row in rows]


async def save_reviews(connection: AsyncConnection, changed: Sequence[Review]) -> None:
    """Writes new reviews and decisions; an address has one open review at most."""
    known = [_fields(one, Review) for one in changed if one.state == "decided"]
    await insert_rows(
        connection,
        reviews,
        known,
        tail="on conflict (id) do update set state = excluded.state,"
        " decided_at = excluded.decided_at, decision = excluded.decision,"
        " decided_by = excluded.decided_by",
    )
    new = [_fields(one, Review) for one in changed if one.state == "open"]
    await insert_rows(connection, reviews, new, tail="on conflict do nothing")


async def suppress(connection: AsyncConnection, new: Sequence[Suppression]) -> None:
    """Writes suppressions; one that a person lifted comes back with the next bounce."""
    rows = {(one.channel, one.address, one.reason): _fields(one, Suppression) for one in new}
    await insert_rows(
        connection,
        suppressions,
        list(rows.values()),
        tail="on conflict (channel, address, reason) do update set lifted_at = null,"
        " lifted_by = '', since = excluded.since, source = excluded.source,"
        " detail = excluded.detail where suppressions.lifted_at < excluded.since",
    )


async def lift(
    connection: AsyncConnection, channel: str, address: str, *, by: str, now: datetime
) -> int:
    """A person says that an address is good again; returns how many suppressions ended."""
    rows = await connection.execute(
        text("""
            update suppressions set lifted_at = :now, lifted_by = :by
            where channel = :channel and address = :address and lifted_at is null
        """),
        {"now": now, "by": by, "channel": channel, "address": address},
    )
    return rows.rowcount


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a link of consents is about."""

    channel: Channel
    address: str
    member_id: UUID | None = None
    topic: str = ""


async def follow(connection: AsyncConnection, behind: Behind) -> Reached | None:
    """The address behind a link; None where the person was forgotten or has none any more."""
    wanted: dict[str, Any] = {"id": behind.delivery_id}
    if behind.delivery_id is None:
        wanted = {"id": behind.member_id, "channel": behind.channel.value}
    query = _DELIVERED if behind.delivery_id is not None else _MEMBER
    row = (await connection.execute(query, wanted)).first()
    if row is None or not row.address:
        return None
    return Reached(Channel(row.channel), row.address, row.member_id, row.topic)


_DELIVERED = text("""
select capability as channel, target as address, member_id, topic from deliveries
where id = :id and purpose <> ''
""")
_MEMBER = text("""
with recursive heir as (
    select id, merged_into from members where id = :id
    union select m.id, m.merged_into from members m join heir h on m.id = h.merged_into
)
select cast(:channel as text) as channel, m.id as member_id, '' as topic,
       case :channel when 'email' then m.email else m.phone end as address
from members m join heir using (id) where m.merged_into is null
""")


def _request(row: Any) -> Request:
    return Request(**{name: getattr(row, name) for name in Request.__slots__})


def _review(row: Any) -> Review:
    return Review(**{name: getattr(row, name) for name in Review.__slots__})


def _fields(one: Any, model: type[Any]) -> dict[str, Any]:
    return {name: getattr(one, name) for name in model.__slots__}
