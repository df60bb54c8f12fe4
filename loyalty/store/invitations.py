"""Invitations: who waits for one, who was sent one and what it promised, who claimed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.campaigns import CampaignPlan, Invitation, InvitationState, ShopCustomer
from loyalty.events import Channel
from loyalty.store.bulk import insert_rows, update_rows
from loyalty.store.campaigns import campaign_of
from loyalty.store.shop_customers import CHOSEN, MEMBER, NO_MEMBER, OPTED_OUT, customer_of
from loyalty.store.tables import claims, invitations

_IS_OUT = OPTED_OUT.format(channel="{0}.channel", address="{0}.address")

_LINE_UP = text(f"""
with candidates as (
    select c.id as customer_id, c.imported_at, {CHOSEN.format(choice="k.channel")}
    from campaigns k join shop_customers c on (k.shop = '' or c.store = k.shop)
    where k.id = :campaign and not c.is_forgotten and {NO_MEMBER}
      and not exists (select 1 from invitations i
                      where i.campaign_id = k.id and i.customer_id = c.id)
)
insert into invitations (id, campaign_id, customer_id, channel, address, created_at)
select gen_random_uuid(), :campaign, customer_id, channel, address, :now
from candidates where address is not null and not {_IS_OUT.format("candidates")}
order by imported_at, customer_id
on conflict do nothing
""")  # noqa: S608 - put together of constants


async def line_up(connection: AsyncConnection, campaign_id: UUID, *, now: datetime) -> int:
    """Lets everybody wait who can be invited and was not lined up before; how many are new.

    One statement whatever their number. Whoever is there already, under their id or their
    address, is left as they are.
    """
    done = await connection.execute(_LINE_UP, {"campaign": campaign_id, "now": now})
    return int(done.rowcount)


_WAITING = text(f"""
select count(*) from invitations i join shop_customers c on c.id = i.customer_id
where i.campaign_id = :campaign and i.state = 'waiting' and {NO_MEMBER}
  and not {_IS_OUT.format("i")}
""")  # noqa: S608 - put together of constants


async def waiting(connection: AsyncConnection, campaign_id: UUID) -> int:
    """How many wait for their invitation; who joined or opted out meanwhile waits no more."""
    return int(await connection.scalar(_WAITING, {"campaign": campaign_id}) or 0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One customer in the line."""

    id: UUID
    channel: Channel
    address: str
    customer: ShopCustomer
    is_member: bool
    is_out: bool


_NEXT = text(f"""
select i.id as invitation_id, i.channel, i.address, c.customer_id as shop_id, c.*,
       {MEMBER} as is_member, {_IS_OUT.format("i")} as is_out
from invitations i join shop_customers c on c.id = i.customer_id
where i.campaign_id = :campaign and i.state = 'waiting'
order by i.created_at, i.id limit :limit for update of i skip locked
""")  # noqa: S608 - put together of constants


async def take_waiting(
    connection: AsyncConnection, campaign_id: UUID, *, limit: int
) -> list[Waiting]:
    """The next in the line, for this transaction; nobody else has them then."""
    rows = await connection.execute(_NEXT, {"campaign": campaign_id, "limit": limit})
    return [
        Waiting(
            row.invitation_id,
            Channel(row.channel),
            row.address,
            customer_of(row),
            row.is_member,
            row.is_out,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one who waited.

    Attributes:
        amount: What the message promised, for those who were invited.
    """

    id: UUID
    state: InvitationState
    reason: str = ""
    amount: int | None = None
    delivery_id: UUID | None = None
    invited_at: datetime | None = None
    expires_at: datetime | None = None


async def settle(connection: AsyncConnection, settled: Sequence[Settled]) -> None:
    """Writes down what became of those who waited, in the transaction that took them."""
    rows = [
        {
            "id": one.id,
            "state": one.state.value,
            "reason": one.reason[:500],
            "amount": one.amount,
            "delivery_id": one.delivery_id,
            "invited_at": one.invited_at,
            "expires_at": one.expires_at,
        }
        for one in settled
    ]
    await update_rows(connection, invitations, "id", rows)


# --- for the desk --------------------------------------------------------------------------------

_COLUMNS = """
select i.*, k.name as campaign, c.store, c.customer_id as shop_id
from invitations i join campaigns k on k.id = i.campaign_id
join shop_customers c on c.id = i.customer_id
"""
_LOCK = text(f"""
{_COLUMNS} where i.id = any(cast(:ids as uuid[])) order by i.id for update of i
""")
_OF_CUSTOMERS = text("""
select i.id from invitations i join shop_customers c on c.id = i.customer_id
where i.state <> 'joined' and (c.store, c.customer_id) in (
    select * from unnest(cast(:stores as text[]), cast(:customers as text[])))
union
select i.id from invitations i
where i.state <> 'joined' and i.address = any(cast(:addresses as text[])) and i.address <> ''
""")


async def named_by(
    connection: AsyncConnection,
    customers: Sequence[tuple[str, str]],
    addresses: Sequence[str],
) -> list[UUID]:
    """The invitations, not joined yet, of these shops' customers or at these addresses."""
    if not customers and not addresses:
        return []
    stores, ids = zip(*customers, strict=True) if customers else ((), ())
    rows = await connection.execute(
        _OF_CUSTOMERS,
        {"stores": list(stores), "customers": list(ids), "addresses": list(addresses)},
    )
    return sorted(rows.scalars())


async def lock(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Invitation]:
    """The invitations, locked until the transaction ends, in one order for everybody."""
    if not ids:
        return {}
    rows = await connection.execute(_LOCK, {"ids": sorted(ids)})
    return {row.id: invitation_of(row) for row in rows}


async def known(connection: AsyncConnection, ids: Sequence[UUID]) -> list[Invitation]:
    """The invitations as they are now, to be looked at."""
    if not ids:
        return []
    query = text(f"{_COLUMNS} where i.id = any(cast(:ids as uuid[])) order by i.id")
    rows = await connection.execute(query, {"ids": sorted(set(ids))})
    return [invitation_of(row) for row in rows]


async def find(connection: AsyncConnection, invitation_id: UUID) -> Invitation | None:
    """One invitation, to be looked at."""
    query = text(f"{_COLUMNS} where i.id = :id")
    row = (await connection.execute(query, {"id": invitation_id})).first()
    return None if row is None else invitation_of(row)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the link of an invitation leads to.

    Attributes:
        claimed_by: Who was paid for it; None where nobody was yet.
    """

    invitation: Invitation
    plan: CampaignPlan
    customer: ShopCustomer
    claimed_by: UUID | None


_OFFER = text("""
select k.*, c.member_id as claimed_by from campaigns k
left join claims c on c.invitation_id = :id where k.id = :campaign
""")
_CUSTOMER = text("select * from shop_customers where id = :id")


async def offer(connection: AsyncConnection, invitation_id: UUID) -> Offer | None:
    """What an invitation offers to whom; None where there is none (any more)."""
    found = await find(connection, invitation_id)
    if found is None:
        return None
    wanted = {"id": found.id, "campaign": found.campaign_id}
    row = (await connection.execute(_OFFER, wanted)).one()
    customer = (await connection.execute(_CUSTOMER, {"id": found.customer_id})).one()
    return Offer(found, campaign_of(row).plan, customer_of(customer), row.claimed_by)


def invitation_of(row: Any) -> Invitation:
    """An invitation from its row."""
    return Invitation(
        id=row.id,
        campaign_id=row.campaign_id,
        customer_id=row.customer_id,
        channel=Channel(row.channel),
        address=row.address,
        state=InvitationState(row.state),
        amount=row.amount,
        invited_at=row.invited_at,
        expires_at=row.expires_at,
        campaign=row.campaign,
        store=row.store,
        shop_id=row.shop_id,
        joined_at=row.joined_at,
        reason=row.reason,
    )


async def save(connection: AsyncConnection, changed: Sequence[Invitation]) -> None:
    """Writes back those that were changed."""
    rows = [
        {"id": one.id, "state": one.state.value, "reason": one.reason, "joined_at": one.joined_at}
        for one in changed
        if one.is_changed
    ]
    await update_rows(connection, invitations, "id", rows)


_CONFIRMED = text("""
select distinct address from opt_in_requests
where address = any(cast(:addresses as text[])) and confirmed_at is not null
""")


async def confirmed(connection: AsyncConnection, addresses: Sequence[str]) -> set[str]:
    """The addresses whose owner proved to have them, by a link that was sent there."""
    if not addresses:
        return set()
    rows = await connection.execute(_CONFIRMED, {"addresses": list(addresses)})
    return set(rows.scalars())


@dataclass(frozen=True, slots=True)
class Claim:
    """A member was paid for joining, through one invitation."""

    member_id: UUID
    invitation_id: UUID
    amount: int
    via: str
    claimed_at: datetime


async def claimed(connection: AsyncConnection, members: Sequence[UUID]) -> set[UUID]:
    """Who of these was paid for joining before; the caller holds the members' locks."""
    if not members:
        return set()
    rows = await connection.execute(
        text("select member_id from claims where member_id = any(cast(:ids as uuid[]))"),
        {"ids": list(members)},
    )
    return set(rows.scalars())


# The campaign's figures tell of joining beside opening and clicking.
_JOINED = text("""
insert into engagements (delivery_id, kind, is_machine, at, last_at)
select i.delivery_id, 'joined', false, c.claimed_at, c.claimed_at
from claims c join invitations i on i.id = c.invitation_id
where c.invitation_id = any(cast(:ids as uuid[])) and i.delivery_id is not null
on conflict do nothing
""")


async def note_claims(connection: AsyncConnection, made: Sequence[Claim]) -> None:
    """Keeps who was paid; a second payment of a member or an invitation breaks the transaction."""
    if not made:
        return
    rows = [
        {
            "member_id": one.member_id,
            "invitation_id": one.invitation_id,
            "amount": one.amount,
            "via": one.via,
            "claimed_at": one.claimed_at,
        }
        for one in made
    ]
    await insert_rows(connection, claims, rows)
    await connection.execute(_JOINED, {"ids": [one.invitation_id for one in made]})


_FORGET_SENT = text("""
with sent as (
    update deliveries d set key = 'forgotten:' || d.id, input = '{}'::jsonb, target = '',
        vendor_id = '',
        reason = case when d.state in ('sent', 'sending') then ''
                 else 'the customer asked to be forgotten' end,
        state = case when d.state in ('pending', 'parked', 'held') then 'cancelled'
                else d.state end,
        owner = '', lease_until = null
    from invitations i
    where i.delivery_id = d.id and i.customer_id = any(cast(:ids as uuid[])) returning d.id
)
update attempts set detail = '', request_id = '' where delivery_id in (select id from sent)
""")
_FORGET = text("""
update invitations set address = '',
    reason = case when state = 'joined' then '' else 'asked to be forgotten' end,
    state = case when state = 'joined' then state else 'opted_out' end
where customer_id = any(cast(:ids as uuid[]))
""")


async def forget(connection: AsyncConnection, customers: Sequence[UUID]) -> None:
    """Empties what was sent to customers who asked to be forgotten; nobody of them is invited.

    The caller has allowed the log of attempts to be changed (`hub.erasing`).
    """
    for statement in (_FORGET_SENT, _FORGET):
        await connection.execute(statement, {"ids": list(customers)})


# --- figures -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """How a campaign's invitations stand, by state; `points` is what joining has cost so far."""

    by_state: Mapping[str, int]
    deliveries: Mapping[str, int]
    via_link: int = 0
    via_address: int = 0
    points: int = 0

    def count(self, state: InvitationState) -> int:
        """How many are in a state."""
        return self.by_state.get(state.value, 0)


async def standing(connection: AsyncConnection, campaign_id: UUID) -> Standing:
    """How a campaign stands."""
    wanted = {"id": campaign_id}
    states = await connection.execute(
        text("select state, count(*) from invitations where campaign_id = :id group by state"),
        wanted,
    )
    sent = await connection.execute(
        text("""
            select d.state, count(*) from invitations i join deliveries d on d.id = i.delivery_id
            where i.campaign_id = :id group by d.state
        """),
        wanted,
    )
    paid = (
        await connection.execute(
            text("""
                select count(*) filter (where c.via = 'link') as via_link,
                       count(*) filter (where c.via = 'address') as via_address,
                       coalesce(sum(c.amount), 0) as points
                from claims c join invitations i on i.id = c.invitation_id
                where i.campaign_id = :id
            """),
            wanted,
        )
    ).one()
    return Standing(
        {row[0]: row[1] for row in states},
        {row[0]: row[1] for row in sent},
        paid.via_link,
        paid.via_address,
        int(paid.points),
    )
