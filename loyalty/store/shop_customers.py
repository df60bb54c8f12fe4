"""The customers whom shops have, members or not, and who of them can be invited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.campaigns import ShopCustomer
from loyalty.events import Channel, ConsentState
from loyalty.store.bulk import insert_rows
from loyalty.store.database import dumps
from loyalty.store.ids import new_id
from loyalty.store.tables import shop_customers

MEMBER = """(
    exists (select 1 from identities m
            where m.store = c.store and m.kind = 'customer' and m.value = c.customer_id)
    or exists (select 1 from identities m
               where m.store = '' and m.kind = 'email' and m.value = c.email)
    or exists (select 1 from identities m
               where m.store = '' and m.kind = 'phone' and m.value = c.phone)
)"""
"""Whether a customer `c` is a member, by any of their keys."""

NO_MEMBER = """
    not exists (select 1 from identities m
                where m.store = c.store and m.kind = 'customer' and m.value = c.customer_id)
    and not exists (select 1 from identities m
                    where m.store = '' and m.kind = 'email' and m.value = c.email)
    and not exists (select 1 from identities m
                    where m.store = '' and m.kind = 'phone' and m.value = c.phone)
"""
"""The contrary, as a condition that PostgreSQL works out for all at once (anti-joins)."""

# What the shop says now replaces what it said before; whoever asked to be forgotten stays so.
_KEEP = """
on conflict (store, customer_id) do update set
    email = excluded.email, phone = excluded.phone, first_name = excluded.first_name,
    last_name = excluded.last_name, locale = excluded.locale, zone = excluded.zone,
    country = excluded.country, birthday = excluded.birthday, consents = excluded.consents,
    problems = excluded.problems, updated_at = excluded.updated_at
where not shop_customers.is_forgotten
returning id
"""


async def keep(connection: AsyncConnection, found: Sequence[ShopCustomer], *, now: datetime) -> int:
    """Keeps what a shop says of its customers, in one statement; how many were kept."""
    latest = {(one.store, one.customer_id): one for one in found}
    rows = [_row(latest[key], now) for key in sorted(latest)]
    return len(await insert_rows(connection, shop_customers, rows, tail=_KEEP))


def _row(one: ShopCustomer, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(now),
        "store": one.store,
        "customer_id": one.customer_id,
        "email": one.email,
        "phone": one.phone,
        "first_name": one.first_name,
        "last_name": one.last_name,
        "locale": one.locale,
        "zone": one.zone,
        "country": one.country,
        "birthday": one.birthday,
        "consents": {channel.value: state.value for channel, state in one.consents.items()},
        "problems": "; ".join(one.problems)[:500],
        "imported_at": now,
        "updated_at": now,
    }


# A yes of the shop's counts only where nobody has said anything yet: an import never re-subscribes.
# Its no counts unless that is what the shop said last.
_CONSENTS = text("""
with told as (
    select distinct on (channel, address) channel, address, state
    from jsonb_to_recordset(cast(:rows as jsonb)) as r(channel text, address text, state text)
    order by channel, address, state desc
)
insert into consents (id, channel, address, state, source, occurred_at, recorded_at)
select gen_random_uuid(), t.channel, t.address, t.state, :store || ' import', :now, :now
from told t
where case t.state
    when 'granted' then not exists (
        select 1 from consents k where k.channel = t.channel and k.address = t.address)
    else coalesce((
        select k.state from consents k
        where k.channel = t.channel and k.address = t.address
          and split_part(k.source, ' ', 1) = :store
        order by k.occurred_at desc, k.state desc limit 1), '') <> 'withdrawn' end
order by t.channel, t.address
""")


async def note_consents(
    connection: AsyncConnection, store: str, found: Sequence[ShopCustomer], *, now: datetime
) -> int:
    """Adds to the consent log what the shop says its customers agreed to; how many words."""
    rows = [
        {"channel": channel.value, "address": address, "state": state.value}
        for one in found
        for channel, state in one.consents.items()
        if (address := one.address(channel))
    ]
    if not rows:
        return 0
    done = await connection.execute(_CONSENTS, {"rows": dumps(rows), "store": store, "now": now})
    return int(done.rowcount)


def customer_of(row: Any) -> ShopCustomer:
    """A customer from their row."""
    return ShopCustomer(
        store=row.store,
        customer_id=row.shop_id if hasattr(row, "shop_id") else row.customer_id,
        email=row.email,
        phone=row.phone,
        first_name=row.first_name,
        last_name=row.last_name,
        locale=row.locale,
        zone=row.zone,
        country=row.country,
        birthday=row.birthday,
        consents={Channel(name): ConsentState(state) for name, state in row.consents.items()},
        problems=tuple(one for one in row.problems.split("; ") if one),
    )


async def find(connection: AsyncConnection, store: str, customer_id: str) -> ShopCustomer | None:
    """One customer; None where the shop never told of them, or they asked to be forgotten."""
    rows = await connection.execute(
        text("""
            select * from shop_customers
            where store = :store and customer_id = :id and not is_forgotten
        """),
        {"store": store, "id": customer_id},
    )
    row = rows.first()
    return None if row is None else customer_of(row)


_ANYBODY = text(f"""
select c.* from shop_customers c
where not c.is_forgotten and (:shop = '' or c.store = :shop)
  and ((:choice <> 'sms' and c.email is not null) or (:choice <> 'email' and c.phone is not null))
  and {NO_MEMBER}
order by c.first_name = '', c.imported_at desc, c.id limit 1
""")  # noqa: S608 - put together of constants


async def anybody(connection: AsyncConnection, shop: str, choice: str) -> ShopCustomer | None:
    """Somebody who could be invited, to preview a message with."""
    row = (await connection.execute(_ANYBODY, {"shop": shop, "choice": choice})).first()
    return None if row is None else customer_of(row)


@dataclass(frozen=True, slots=True)
class Reach:
    """How many customers a shop has, and how many of them can be invited.

    Attributes:
        unreachable: No member, and with neither e-mail address nor telephone number.
        opted_out: No member, and wants no messages at the address that there is.
    """

    customers: int = 0
    members: int = 0
    unreachable: int = 0
    opted_out: int = 0
    invitable: int = 0


OPTED_OUT = """case when exists (
    select 1 from consents k
    where k.channel = {channel} and k.address = {address} and k.state = 'withdrawn'
) then exists (
    select 1 from (
        select distinct on (k.purpose, k.topic) k.state from consents k
        where k.channel = {channel} and k.address = {address} and k.topic in ('', 'invitations')
        order by k.purpose, k.topic, k.occurred_at desc, k.state desc
    ) said where said.state = 'withdrawn') else false end"""
"""Whether the last word on a channel and address was no, at the same instant no wins.

For counting and lining up; what the gate says when a message is planned is what counts. Few ever
said no, so that is asked first.
"""

CHOSEN = """
    case when {choice} = 'sms' or ({choice} = 'auto' and c.email is null)
         then 'sms' else 'email' end as channel,
    case when {choice} = 'sms' or ({choice} = 'auto' and c.email is null)
         then c.phone else c.email end as address
"""
"""On which channel and at which address a customer `c` is invited."""

_REACH = text(f"""
with known as (
    select {CHOSEN.format(choice=":choice")}, {MEMBER} as is_member
    from shop_customers c
    where not c.is_forgotten and (:shop = '' or c.store = :shop)
), judged as (
    select *, not is_member and address is not null
        and {OPTED_OUT.format(channel="known.channel", address="known.address")}
        as is_out
    from known
)
select count(*) as customers,
       count(*) filter (where is_member) as members,
       count(*) filter (where not is_member and address is null) as unreachable,
       count(*) filter (where is_out) as opted_out,
       count(distinct (channel, address))
           filter (where not is_member and address is not null and not is_out) as invitable
from judged
""")  # noqa: S608 - put together of constants


async def reach(connection: AsyncConnection, shop: str, choice: str) -> Reach:
    """How many of a shop's imported customers can be invited on a channel.

    Args:
        shop: `shopify/main`; empty for all shops together.
        choice: email, sms or auto.
    """
    row = (await connection.execute(_REACH, {"shop": shop, "choice": choice})).one()
    return Reach(row.customers, row.members, row.unreachable, row.opted_out, row.invitable)


_FORGET = text("""
update shop_customers set email = null, phone = null, first_name = '', last_name = '', locale = '',
    zone = '', country = '', birthday = null, consents = '{}', problems = '', is_forgotten = true
where not is_forgotten and (
    email = any(cast(:words as text[])) or phone = any(cast(:words as text[]))
    or store || ':customer:' || customer_id = any(cast(:subjects as text[])))
returning id
""")
"""Only the shop's number stays, so that the next import does not invite them again."""


async def forget(
    connection: AsyncConnection, *, words: Sequence[str], subjects: Sequence[str]
) -> list[UUID]:
    """Empties what is known of a person; the rows that were theirs."""
    rows = await connection.execute(_FORGET, {"words": list(words), "subjects": list(subjects)})
    return list(rows.scalars())
