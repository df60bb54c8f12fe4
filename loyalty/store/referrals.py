"""Referral codes, recommendations and traits in the store."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.referral_policy import ReferralPolicy
from loyalty.referrals import Bought, Crowd, Person, Referral, ReferralState
from loyalty.sales import sale_key

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 8
MONTH = timedelta(days=30)
DAY = timedelta(days=1)

Trait = tuple[str, str]


def fingerprint(trait: str, value: str) -> Trait | None:
    """A trait as it is kept: never the address or the card itself; None where there is none."""
    plain = " ".join(value.split()).casefold()
    if not plain:
        return None
    return trait, hashlib.sha256(f"{trait}:{plain}".encode()).hexdigest()[:32]


# --- codes ---------------------------------------------------------------------------------------

_CODE = text("select code from referral_codes where member_id = :member")
_NEW_CODE = text("""
insert into referral_codes (member_id, code, created_at) values (:member, :code, :now)
on conflict do nothing
""")


async def code_of(connection: AsyncConnection, member_id: UUID, *, now: datetime) -> str:
    """The member's code for their link, made when it is first asked for; it stays the same."""
    while True:
        found = (await connection.execute(_CODE, {"member": member_id})).scalar_one_or_none()
        if found is not None:
            return str(found)
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        await connection.execute(_NEW_CODE, {"member": member_id, "code": code, "now": now})


_OWNERS = text("""
with recursive way as (
    select c.code, m.id, m.merged_into from referral_codes c join members m on m.id = c.member_id
    where c.code = any(cast(:codes as text[]))
    union
    select w.code, m.id, m.merged_into from way w join members m on m.id = w.merged_into
)
select w.code, m.id, m.email, m.phone,
    array(select t.trait || '=' || t.value from traits t where t.member_id = m.id) as traits
from way w join members m on m.id = w.id
where w.merged_into is null and m.state = 'enrolled'
""")


async def owners(connection: AsyncConnection, codes: Collection[str]) -> dict[str, Person]:
    """Who recommends by these codes; merges are followed, people who left are not found."""
    if not codes:
        return {}
    rows = await connection.execute(_OWNERS, {"codes": sorted(codes)})
    return {row.code: Person(row.id, row.email, row.phone, _traits(row.traits)) for row in rows}


# --- recommendations -----------------------------------------------------------------------------

_FAMILIES = """
with recursive family as (
    select id, id as holder from members where id = any(cast(:ids as uuid[]))
    union
    select m.id, f.holder from members m join family f on m.merged_into = f.id
)
"""
_OF_FRIENDS = text(
    _FAMILIES
    + """
select distinct on (f.holder) f.holder, r.* from referrals r join family f on f.id = r.friend_id
order by f.holder, r.friend_id <> f.holder, r.joined_at
"""
)
_WITHIN = text(
    _FAMILIES
    + """
select r.* from referrals r
join family friend on friend.id = r.friend_id
join family referrer on referrer.id = r.referrer_id and referrer.holder = friend.holder
where r.state in ('attached', 'held', 'earned')
"""
)


async def of_friends(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Referral]:
    """The recommendations by which these members came, by member; those of accounts that were
    merged into them count as theirs."""
    if not ids:
        return {}
    rows = await connection.execute(_OF_FRIENDS, {"ids": sorted(ids)})
    return {row.holder: _referral(row) for row in rows}


async def within(connection: AsyncConnection, ids: Collection[UUID]) -> list[Referral]:
    """Open or rewarded recommendations whose two sides are one of these members by now."""
    rows = await connection.execute(_WITHIN, {"ids": sorted(ids)})
    return [_referral(row) for row in rows]


_BOUGHT = text(
    _FAMILIES
    + """
select f.holder, s.store, s.order_id, s.spend, s.occurred_at
from sales s join family f on f.id = s.member_id
where s.is_counted and s.version <> '' and s.occurred_at >= :since
order by s.occurred_at, s.store, s.order_id
"""
)


async def bought(
    connection: AsyncConnection, ids: Collection[UUID], *, since: datetime
) -> dict[UUID, list[Bought]]:
    """What these members ordered since then and did not give back, by member."""
    found: dict[UUID, list[Bought]] = {}
    if ids:
        values = {"ids": sorted(ids), "since": since}
        for row in await connection.execute(_BOUGHT, values):
            key = sale_key(row.store, row.order_id)
            found.setdefault(row.holder, []).append(Bought(key, row.spend, row.occurred_at))
    return found


_SAVE = text("""
insert into referrals (friend_id, referrer_id, code, state, reasons, sale, joined_at, counted_at,
                       decided_by, terms, updated_at)
values (:friend, :referrer, :code, :state, :reasons, :sale, :joined, :counted, :decided_by,
        cast(:terms as jsonb), :now)
on conflict (friend_id) do update set state = excluded.state, reasons = excluded.reasons,
    sale = excluded.sale, counted_at = excluded.counted_at, decided_by = excluded.decided_by,
    terms = excluded.terms, updated_at = excluded.updated_at
""")


async def save(connection: AsyncConnection, changed: Iterable[Referral], *, now: datetime) -> None:
    """Writes recommendations that are new or moved on; the friends are locked by the caller."""
    rows = [
        {
            "friend": one.friend_id,
            "referrer": one.referrer_id,
            "code": one.code,
            "state": one.state.value,
            "reasons": list(one.reasons),
            "sale": one.sale,
            "joined": one.joined_at,
            "counted": one.counted_at,
            "decided_by": one.decided_by,
            "terms": None if one.terms is None else one.terms.model_dump_json(),
            "now": now,
        }
        for one in changed
    ]
    if rows:
        await connection.execute(_SAVE, rows)


_CROWD = text("""
select
    (select count(*) from referrals where referrer_id = :referrer and joined_at > :month
        and friend_id <> :friend and state not in ('blocked_self', 'already_member'))
        as of_referrer,
    (select count(distinct t.member_id) from traits t join referrals r on r.friend_id = t.member_id
        where t.trait = 'ip' and t.value = any(cast(:networks as text[])) and t.seen_at > :day
          and t.member_id <> :friend) as of_network
""")


async def crowd(
    connection: AsyncConnection,
    *,
    friend: UUID,
    referrer: UUID,
    networks: Sequence[str],
    now: datetime,
) -> Crowd:
    """How many others came the same way lately."""
    values = {
        "friend": friend,
        "referrer": referrer,
        "networks": list(networks),
        "month": now - MONTH,
        "day": now - DAY,
    }
    row = (await connection.execute(_CROWD, values)).one()
    return Crowd(of_network=row.of_network, of_referrer=row.of_referrer)


_SEEN = text("""
insert into traits (member_id, trait, value, seen_at) values (:member, :trait, :value, :now)
on conflict (member_id, trait, value) do update set seen_at = excluded.seen_at
""")


async def note_traits(
    connection: AsyncConnection, seen: Mapping[UUID, Iterable[Trait]], *, now: datetime
) -> None:
    """Remembers by what people were seen."""
    rows = [
        {"member": member, "trait": trait, "value": value, "now": now}
        for member, found in sorted(seen.items())
        for trait, value in sorted(found)
    ]
    if rows:
        await connection.execute(_SEEN, rows)


async def forget(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Forgets by what these people were seen, and ends their links."""
    for table in ("traits", "referral_codes"):
        await connection.execute(
            text(f"delete from {table} where member_id = any(cast(:ids as uuid[]))"),  # noqa: S608
            {"ids": list(ids)},
        )


# --- for people who look -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Listed:
    """A recommendation as the team sees it."""

    referral: Referral
    friend_name: str
    referrer_name: str


_LISTED = text("""
select r.*, f.first_name || ' ' || f.last_name as friend_name, f.email as friend_email,
    o.first_name || ' ' || o.last_name as referrer_name, o.email as referrer_email
from referrals r join members f on f.id = r.friend_id join members o on o.id = r.referrer_id
where (:state = '' or r.state = :state)
  and (cast(:referrer as uuid) is null or r.referrer_id = :referrer)
order by r.updated_at desc, r.friend_id limit :limit
""")


async def listed(
    connection: AsyncConnection,
    *,
    state: str = "",
    referrer: UUID | None = None,
    limit: int = 100,
) -> list[Listed]:
    """The latest recommendations, those of a state or of one member."""
    values = {"state": state, "referrer": referrer, "limit": limit}
    rows = await connection.execute(_LISTED, values)
    return [
        Listed(
            _referral(row),
            row.friend_name.strip() or row.friend_email or "",
            row.referrer_name.strip() or row.referrer_email or "",
        )
        for row in rows
    ]


def _referral(row: Any) -> Referral:
    return Referral(
        friend_id=row.friend_id,
        referrer_id=row.referrer_id,
        code=row.code,
        state=ReferralState(row.state),
        joined_at=row.joined_at,
        reasons=tuple(row.reasons),
        sale=row.sale,
        counted_at=row.counted_at,
        decided_by=row.decided_by,
        terms=None if row.terms is None else ReferralPolicy.model_validate(row.terms),
        is_changed=False,
    )


def _traits(found: Iterable[str]) -> frozenset[Trait]:
    pairs = (one.partition("=") for one in found)
    return frozenset((trait, value) for trait, _, value in pairs)
