"""Works a campaign's line off: everybody in it gets one invitation, or a reason why not.

No Prefect here: the flow `invite-customers`, the console, the command line and the scenarios call
it. Each chunk is one transaction: who is taken from the line, what the gate says of each, the
messages that are planned, and what each of them promises. A stop between two chunks, or in the
middle of one, leaves nobody invited twice and nobody out; so do two workers at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.announcing import Announcement, announce
from flows.terms import Terms
from loyalty.campaigns import TOPIC, Campaign, CampaignState, InvitationState, values_of
from loyalty.invitation_links import join_link
from loyalty.links import Links
from loyalty.store import campaigns, invitations
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.invitations import Settled, Waiting

CHUNK = 200
"""Invitations in one transaction."""

JOINED_BEFORE = "a member already: nobody is invited to where they are"


@dataclass(slots=True)
class Sent:
    """What working off a line has come to.

    Attributes:
        reasons: Why some were not invited, with how many there are of each.
    """

    campaign: str
    invited: int = 0
    refused: int = 0
    opted_out: int = 0
    joined: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    is_active: bool = True

    @property
    def total(self) -> int:
        """How many were looked at."""
        return self.invited + self.refused + self.opted_out + self.joined

    def count(self, settled: Sequence[Settled]) -> None:
        """Adds what became of a chunk."""
        for one in settled:
            name = one.state.value
            setattr(self, name, getattr(self, name) + 1)
            if one.state in (InvitationState.REFUSED, InvitationState.OPTED_OUT):
                self.reasons[one.reason] += 1


Progress = Callable[[Sent], Awaitable[None]]


async def _silent(sent: Sent) -> None:
    """Tells nobody."""


async def line_up(database: Database, name: str, *, now: datetime) -> int:
    """Lets everybody wait who can be invited by a campaign; how many are new in the line."""
    async with database.begin() as connection:
        campaign = await campaigns.find(connection, name)
        return await invitations.line_up(connection, campaign.id, now=now)


async def invite_newcomers(
    database: Database,
    name: str,
    *,
    terms: Callable[[], Awaitable[Terms]],
    links: Links,
    progress: Progress = _silent,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Sent:
    """Lines up who can be invited by now; while the campaign is active, works the line off.

    A draft's line stays empty: nobody waits for what may never be sent.
    """
    under = await terms()
    async with database.begin() as connection:
        campaign = await campaigns.find(connection, name)
        if campaign.state is CampaignState.DRAFT:
            return Sent(name, is_active=False)
        await invitations.line_up(connection, campaign.id, now=under.now)
    return await work_off(
        database, name, terms=terms, links=links, progress=progress, is_stopping=is_stopping
    )


async def work_off(
    database: Database,
    name: str,
    *,
    terms: Callable[[], Awaitable[Terms]],
    links: Links,
    progress: Progress = _silent,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Sent:
    """Invites everybody in a campaign's line, chunk by chunk, for as long as it is active.

    Args:
        terms: Those in force when a chunk begins.
        progress: Hears of every chunk.
    """
    sent = Sent(name)
    while not is_stopping():
        under = await terms()
        async with database.begin() as connection:
            settled = await invite_next(connection, name, terms=under, links=links)
        if settled is None:
            sent.is_active = False
            return sent
        sent.count(settled)
        await progress(sent)
        if not settled:
            return sent
    return sent


async def invite_next(
    connection: AsyncConnection, name: str, *, terms: Terms, links: Links, limit: int = CHUNK
) -> list[Settled] | None:
    """Invites the next in the line, in the caller's transaction; None where it is not active."""
    campaign = await campaigns.find(connection, name, for_share=True)
    if campaign.state is not CampaignState.ACTIVE:
        return None
    taken = await invitations.take_waiting(connection, campaign.id, limit=limit)
    settled = [found for one in taken if (found := _not_invited(one)) is not None]
    left = {one.id for one in settled}
    asked = [one for one in taken if one.id not in left]
    expires_at = terms.now + timedelta(days=campaign.plan.valid_days)
    # Nobody holds a lease on what is planned here: the flow `deliver` sends it.
    under = replace(terms, planner=replace(terms.planner, owner=""))
    planned = await announce(
        connection,
        [announcement(campaign, one, terms, links, expires_at=expires_at) for one in asked],
        terms=under,
    )
    by_id = {_invitation_of(one): one for one in planned}
    settled += [_settled(campaign, one, by_id.get(one.id), terms.now, expires_at) for one in asked]
    await invitations.settle(connection, settled)
    return settled


def _not_invited(one: Waiting) -> Settled | None:
    if one.is_member:
        return Settled(one.id, InvitationState.JOINED, JOINED_BEFORE)
    if one.is_out:
        return Settled(one.id, InvitationState.OPTED_OUT, "opted_out: while waiting in the line")
    return None


def announcement(
    campaign: Campaign, one: Waiting, terms: Terms, links: Links, *, expires_at: datetime
) -> Announcement:
    """The message of one invitation; a preview asks for the very same."""
    customer = one.customer
    return Announcement(
        key=_key(one.id),
        template=campaign.plan.template,
        channel=one.channel.value,
        purpose="marketing",
        member=None,
        address=one.address,
        name=customer.name,
        locale=customer.locale or campaign.plan.locale,
        zone=customer.zone,
        values=values_of(
            campaign.plan,
            terms.programme,
            link=join_link(links, one.id),
            expires_at=expires_at,
        ),
        topic=TOPIC,
        valid_until=expires_at,
        campaign=str(campaign.id),
    )


def _settled(
    campaign: Campaign, one: Waiting, planned: Delivery | None, now: datetime, expires_at: datetime
) -> Settled:
    if planned is None:
        reason = "an invitation was planned for them before: see its delivery"
        return Settled(one.id, InvitationState.REFUSED, reason)
    if planned.state in ("suppressed", "dead", "cancelled"):
        is_out = planned.reason.partition(":")[0] == "opted_out"
        state = InvitationState.OPTED_OUT if is_out else InvitationState.REFUSED
        return Settled(one.id, state, planned.reason, delivery_id=planned.id)
    return Settled(
        one.id,
        InvitationState.INVITED,
        planned.reason,
        amount=campaign.plan.points,
        delivery_id=planned.id,
        invited_at=now,
        expires_at=expires_at,
    )


_KEY = "invitation:"


def _key(invitation_id: UUID) -> str:
    return f"{_KEY}{invitation_id}"


def _invitation_of(planned: Delivery) -> UUID:
    return UUID(planned.key.rpartition(_KEY)[2])
