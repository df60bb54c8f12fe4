"""Campaigns that invite a shop's customers: made, changed, switched, filled, claimed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from sqlalchemy import text

from deployments.scenario.acts.family import Family
from deployments.scenario.engine import LINKS
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name, Points
from deployments.scenario.steps_base import Reported
from deployments.scenario.translate import units
from flows.campaigns import invite_newcomers
from flows.customer_import import take_in
from flows.terms import Terms
from loyalty.campaigns import CampaignPlan, CampaignState, claim_event
from loyalty.events import (
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    MessageReport,
    subject_of,
)
from loyalty.store import campaigns, invitations

if TYPE_CHECKING:
    from deployments.scenario.world import World

BY = "scenario"


class CampaignMade(Reported):
    """Somebody makes a campaign, or changes what it gives from now on."""

    do: Literal["campaign.create", "campaign.update"]
    campaign: Name
    coins: Points = Field(ge=0)


class CampaignSwitched(Reported):
    """The switch of a campaign."""

    do: Literal["campaign.activate", "campaign.deactivate"]
    campaign: Name


class CustomersImported(Reported):
    """The shop's customers are imported; they agreed to e-mail there."""

    do: Literal["customers.import"]
    campaign: Name
    customers: tuple[Name, ...]


class InvitationClaimed(Reported):
    """Somebody signs up through the link of a customer's invitation."""

    do: Literal["invitation.claim"]
    campaign: Name
    customer: Name
    member: Name


class CustomerJoined(Reported):
    """A customer signs up without a link."""

    do: Literal["customer.joined"]
    customer: Name
    member: Name


class CustomerOptedOut(Reported):
    """A customer presses unsubscribe."""

    do: Literal["customer.opted_out"]
    customer: Name


async def play(world: World, step: Any, at: datetime) -> Happening:
    """Hands the step to the engine, and says who was invited in it and how many wait."""
    before = await _invited(world)
    happened = await _do(world, step, at)
    new = [one for one in await _invited(world) if one not in before]
    happened.values |= {"invited": new, "waiting": await _waiting(world)}
    return happened


async def _do(world: World, step: Any, at: datetime) -> Happening:
    match step:
        case CampaignMade():
            return await _make(world, step)
        case CampaignSwitched():
            return await _switch(world, step)
        case CustomersImported():
            await _import(world, step)
            return Happening("applied")
        case InvitationClaimed():
            who = Customer(card=step.member, email=_address(step.customer))
            invitation = await _invitation_of(world, step)
            return await world.take(claim_event(invitation, at=at, customer=who))
        case CustomerJoined():
            return await world.take(_joined(step, at))
        case _:
            return await world.take(_opted_out(step, at))


async def _make(world: World, step: CampaignMade) -> Happening:
    points = units(step.coins, world.settings.unit_scale)
    now = world.engine.now
    async with world.database.begin() as connection:
        if step.do == "campaign.create":
            plan = CampaignPlan(name=step.campaign, points=points)
            await campaigns.create(connection, plan, by=BY, now=now)
        else:
            changes = {"points": points}
            await campaigns.change(connection, step.campaign, changes, by=BY, now=now)
    return Happening("applied")


async def _switch(world: World, step: CampaignSwitched) -> Happening:
    is_on = step.do == "campaign.activate"
    to = CampaignState.ACTIVE if is_on else CampaignState.INACTIVE
    async with world.database.begin() as connection:
        is_new = await campaigns.switch(connection, step.campaign, to, by=BY, now=world.engine.now)
    await _invite(world, step.campaign)
    return Happening("applied" if is_new else "duplicate")


async def _import(world: World, step: CustomersImported) -> None:
    said = [
        Customer(
            id=one,
            email=_address(one),
            first_name=one,
            consents={Channel.EMAIL: ConsentState.GRANTED},
        )
        for one in step.customers
    ]
    async with world.database.begin() as connection:
        await take_in(connection, _store(step), said, now=world.engine.now)
    await _invite(world, step.campaign)


async def _invite(world: World, campaign: str) -> None:
    async def terms() -> Terms:
        return world.engine.terms()

    await invite_newcomers(world.database, campaign, terms=terms, links=LINKS)


def _joined(step: CustomerJoined, at: datetime) -> Event:
    customer = Customer(id=step.customer, card=step.member, email=_address(step.customer))
    return Event(
        type=EventType.CUSTOMER_CREATED,
        store=_store(step),
        key=step.customer,
        time=at,
        subject=subject_of(_store(step), customer, step.customer),
        data=customer,
    )


def _opted_out(step: CustomerOptedOut, at: datetime) -> Event:
    address = _address(step.customer)
    return Event(
        type=EventType.MESSAGE_UNSUBSCRIBED,
        store="hub",
        key=f"unsubscribe_page:{step.customer}:{at.isoformat()}",
        time=at,
        subject=f"contact:{address}",
        data=MessageReport(channel=Channel.EMAIL, address=address, detail="unsubscribe_page"),
    )


def _store(step: Reported) -> str:
    return f"shop/{step.store}"


def _address(customer: str) -> str:
    return f"{customer}@example.com"


_INVITED = text("""
select c.customer_id from invitations i join shop_customers c on c.id = i.customer_id
where i.invited_at is not null order by i.invited_at, c.customer_id
""")
_INVITATION = text("""
select i.id from invitations i join shop_customers c on c.id = i.customer_id
join campaigns k on k.id = i.campaign_id where k.name = :campaign and c.customer_id = :customer
""")


async def _invited(world: World) -> list[str]:
    async with world.window.open() as connection:
        return list((await connection.execute(_INVITED)).scalars())


async def _waiting(world: World) -> int:
    async with world.window.open() as connection:
        known = await campaigns.listed(connection)
        return sum([await invitations.waiting(connection, one.id) for one in known])


async def _invitation_of(world: World, step: InvitationClaimed) -> Any:
    wanted = {"campaign": step.campaign, "customer": step.customer}
    async with world.window.open() as connection:
        return (await connection.execute(_INVITATION, wanted)).scalar_one()


FAMILY = Family(
    (
        CampaignMade,
        CampaignSwitched,
        CustomersImported,
        InvitationClaimed,
        CustomerJoined,
        CustomerOptedOut,
    ),
    play,
    answers=("invited", "waiting"),
    writes=True,
)
