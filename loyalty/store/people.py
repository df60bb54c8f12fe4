"""Members and how they are found: by a store's customer id, by card, e-mail or telephone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.contacts import normal_email, normal_phone
from loyalty.events import Channel, ConsentState, Customer, made
from loyalty.facts import MemberFacts
from loyalty.gate import MARKETING, About, Words
from loyalty.occasions import known_zone
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.ids import new_id
from loyalty.store.tables import consents, identities, members

Identity = tuple[str, str, str]
"""(store, kind, value); e-mail, telephone and card are no store's: `("", "email", "a@b.c")`."""


@dataclass(slots=True)
class Member:
    """A member's row, worked on in memory and written back where it changed."""

    id: UUID
    joined_at: datetime
    created_at: datetime
    state: str = "enrolled"
    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    locale: str = ""
    zone: str = ""
    country: str = ""
    birthday: date | None = None
    tags: list[str] = field(default_factory=list)
    tier: str = ""
    points: int = 0
    lifetime_points: int = 0
    lifetime_spend: Decimal = Decimal(0)
    orders_count: int = 0
    points_redeemed: int = 0
    redemptions_count: int = 0
    segments: list[str] = field(default_factory=list)
    last_order_at: datetime | None = None
    last_activity_at: datetime | None = None
    tier_since: datetime | None = None
    tier_until: datetime | None = None
    merged_into: UUID | None = None
    birthday_told_at: datetime | None = None
    birthday_paid_at: datetime | None = None
    blocked_at: datetime | None = None
    is_changed: bool = False

    def facts(self, *, available: int, tier_factor: Decimal, pending: int = 0) -> MemberFacts:
        """What the rules may know of the member now."""
        return made(
            MemberFacts,
            id=str(self.id),
            is_enrolled=self.state == "enrolled",
            joined_at=self.joined_at,
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email,
            phone=self.phone,
            locale=self.locale,
            zone=self.zone,
            birthday=self.birthday,
            tags=tuple(self.tags),
            segments=tuple(self.segments),
            tier=self.tier,
            tier_factor=tier_factor,
            points=available,
            points_pending=pending,
            lifetime_points=self.lifetime_points,
            lifetime_spend=self.lifetime_spend,
            orders_count=self.orders_count,
            last_order_at=self.last_order_at,
            points_redeemed=self.points_redeemed,
            redemptions_count=self.redemptions_count,
        )

    def learn(self, customer: Customer, *, at: datetime) -> bool:
        """Takes over what a store newly says of the person; True where anything changed.

        Args:
            at: When it was said: a birthday counts from so many days after it was told.
        """
        before = (self.first_name, self.last_name, self.email, self.phone, self.locale, self.zone)
        self.first_name = customer.first_name or self.first_name
        self.last_name = customer.last_name or self.last_name
        self.email = normal_email(customer.email) or self.email
        self.phone = normal_phone(customer.phone, customer.country) or self.phone
        self.locale = customer.locale or self.locale
        self.zone = customer.zone if known_zone(customer.zone) else self.zone
        self.country = customer.country or self.country
        changed = before != (
            self.first_name,
            self.last_name,
            self.email,
            self.phone,
            self.locale,
            self.zone,
        )
        if customer.birthday and customer.birthday != self.birthday:
            self.birthday, self.birthday_told_at, changed = customer.birthday, at, True
        if customer.created_at and customer.created_at < self.joined_at:
            self.joined_at, changed = customer.created_at, True
        new_tags = [tag for tag in customer.tags if tag not in self.tags]
        if new_tags:
            self.tags, changed = [*self.tags, *new_tags], True
        self.is_changed = self.is_changed or changed
        return changed


def identities_of(store: str, customer: Customer) -> list[Identity]:
    """Every key the person can be found by, the strongest first."""
    found: list[Identity] = []
    if customer.id:
        found.append((store, "customer", customer.id))
    if customer.card:
        found.append(("", "card", customer.card))
    if email := normal_email(customer.email):
        found.append(("", "email", email))
    if phone := normal_phone(customer.phone, customer.country):
        found.append(("", "phone", phone))
    return found


async def first_name_of(connection: AsyncConnection, member_id: UUID) -> str:
    """The first name of a member; empty where it is not known."""
    row = await connection.execute(
        text("select first_name from members where id = :id"), {"id": member_id}
    )
    return str(row.scalar_one_or_none() or "")


_FIND = text("""
select i.store, i.kind, i.value, i.member_id from identities i
join unnest(cast(:stores as text[]), cast(:kinds as text[]), cast(:values as text[]))
     as w(store, kind, value)
on (i.store, i.kind, i.value) = (w.store, w.kind, w.value)
""")


async def find(connection: AsyncConnection, keys: Sequence[Identity]) -> dict[Identity, UUID]:
    """Whose keys these are, as far as they are known."""
    if not keys:
        return {}
    stores, kinds, values = zip(*keys, strict=True)
    rows = await connection.execute(
        _FIND, {"stores": list(stores), "kinds": list(kinds), "values": list(values)}
    )
    return {(row.store, row.kind, row.value): row.member_id for row in rows}


async def claim_identities(
    connection: AsyncConnection, wanted: Mapping[Identity, UUID], *, now: datetime
) -> dict[Identity, UUID]:
    """Gives keys to members; a key that somebody else took meanwhile stays theirs.

    Returns:
        Whose each key is now.
    """
    rows = [
        {"store": k[0], "kind": k[1], "value": k[2], "member_id": wanted[k], "created_at": now}
        for k in sorted(wanted)
    ]
    won = await insert_rows(
        connection,
        identities,
        rows,
        tail="on conflict do nothing returning store, kind, value, member_id",
    )
    owners = {(row.store, row.kind, row.value): row.member_id for row in won}
    lost = [key for key in wanted if key not in owners]
    return {**owners, **await find(connection, lost)}


async def hand_over(connection: AsyncConnection, heirs: Mapping[UUID, UUID]) -> None:
    """Gives all keys of one (not yet written) member to another, `{from: to}`."""
    for former, heir in heirs.items():
        await connection.execute(
            text("update identities set member_id = :heir where member_id = :former"),
            {"heir": heir, "former": former},
        )


async def add(connection: AsyncConnection, new: Sequence[Member], *, now: datetime) -> None:
    """Writes new members."""
    await insert_rows(connection, members, [_row(one, now) for one in new])


_COLUMNS = (
    "id",
    "joined_at",
    "created_at",
    "state",
    "first_name",
    "last_name",
    "email",
    "phone",
    "locale",
    "zone",
    "country",
    "birthday",
    "tags",
    "tier",
    "points",
    "lifetime_points",
    "lifetime_spend",
    "orders_count",
    "points_redeemed",
    "redemptions_count",
    "segments",
    "last_order_at",
    "last_activity_at",
    "tier_since",
    "tier_until",
    "merged_into",
    "birthday_told_at",
    "birthday_paid_at",
    "blocked_at",
)
"""The columns of a `Member` in its own order: rows are read by the thousand."""

_LOCK = text(f"""
with recursive followed as (
    select id, merged_into from members where id = any(:ids)
    union
    select m.id, m.merged_into from members m join followed f on m.id = f.merged_into
)
select {", ".join(_COLUMNS)} from members
where id in (select id from followed) order by id for update
""")  # noqa: S608 - the names are ours


async def lock(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Member]:
    """The members, locked until the transaction ends, in one order for everybody.

    Whoever one of them was merged into is among them (see `heir`), also where that happened
    in another transaction while this one waited for the lock.
    """
    found: dict[UUID, Member] = {}
    missing = set(ids)
    while missing:
        rows = await connection.execute(_LOCK, {"ids": sorted(missing)})
        new = {row[0]: Member(*row) for row in rows.all() if row[0] not in found}
        found |= new
        missing = {one.merged_into for one in new.values() if one.merged_into} - found.keys()
    return found


def heir(members: Mapping[UUID, Member], member_id: UUID) -> UUID:
    """Whose account it is now, after all merges; the members come from `lock`."""
    while (into := members[member_id].merged_into) is not None:
        member_id = into
    return member_id


def member_of(row: Any) -> Member:
    """A member from its row."""
    fields = dict(zip(_COLUMNS, _values(row), strict=True))
    return Member(**{**fields, "tags": list(row.tags), "segments": list(row.segments)})


class Person(NamedTuple):
    """What the gate asks of a member besides their addresses."""

    zone: str
    is_erased: bool


async def persons(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Person]:
    """Time zone and state of these members; nothing is locked."""
    if not ids:
        return {}
    rows = await connection.execute(
        text("select id, zone, state from members where id = any(cast(:ids as uuid[]))"),
        {"ids": sorted(ids)},
    )
    return {row.id: Person(row.zone, row.state == "erased") for row in rows}


async def save(connection: AsyncConnection, changed: Sequence[Member], *, now: datetime) -> None:
    """Writes members back that were changed."""
    rows = [_row(one, now) for one in changed if one.is_changed]
    for row in rows:
        del row["created_at"]
    await update_rows(connection, members, "id", rows)


_values = attrgetter(*_COLUMNS)


def _row(member: Member, now: datetime) -> dict[str, Any]:
    row = dict(zip(_COLUMNS, _values(member), strict=True))
    return {**row, "updated_at": now}


# --- consent ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConsentNote:
    """What a person said about one channel and address, and where we have it from.

    Attributes:
        member_id: None where the address is that of somebody who is no member.
        source: The store, a blank, and the kind of event: `shopify/main customer.created`.
        purpose: `marketing`, or `everything` where the whole channel was stopped or started.
        text_version: Of the text that the person saw.
        evidence_at: When the person said so, as far as somebody can prove it.
    """

    member_id: UUID | None
    channel: Channel
    address: str
    state: ConsentState
    source: str
    occurred_at: datetime
    purpose: str = MARKETING
    topic: str = ""
    text_version: str = ""
    evidence_at: datetime | None = None


async def note_consents(
    connection: AsyncConnection, notes: Sequence[ConsentNote], *, now: datetime
) -> None:
    """Adds to the consent log."""
    rows = [
        {
            "id": new_id(now),
            "member_id": note.member_id,
            "channel": note.channel.value,
            "address": note.address,
            "state": note.state.value,
            "source": note.source,
            "occurred_at": note.occurred_at,
            "recorded_at": now,
            "purpose": note.purpose,
            "topic": note.topic,
            "text_version": note.text_version,
            "evidence_at": note.evidence_at,
        }
        for note in notes
    ]
    await insert_rows(connection, consents, rows)


# The last word of each store, and beside it the last withdrawal, whatever was said since.
_LATEST = text("""
with theirs as (
    select channel, address, purpose, topic, split_part(source, ' ', 1) as store, state,
           occurred_at
    from consents where (channel, address) in (
        select * from unnest(cast(:channels as text[]), cast(:addresses as text[])))
)
(select distinct on (channel, address, purpose, topic, store) * from theirs
 order by channel, address, purpose, topic, store, occurred_at desc,
          array_position(array['withdrawn', 'pending', 'granted'], state))
union
(select distinct on (channel, address, purpose, topic) * from theirs where state = 'withdrawn'
 order by channel, address, purpose, topic, occurred_at desc)
""")


async def words_on(connection: AsyncConnection, addresses: Sequence[tuple[str, str]]) -> Words:
    """What was last said about each (channel, address); the caller holds the members' locks."""
    words = Words()
    if not addresses:
        return words
    channels, values = zip(*addresses, strict=True)
    rows = await connection.execute(
        _LATEST, {"channels": list(channels), "addresses": list(values)}
    )
    for row in rows:
        subject = About(row.channel, row.address, row.purpose, row.topic)
        words.hear(subject, store=row.store, state=ConsentState(row.state), at=row.occurred_at)
    return words
