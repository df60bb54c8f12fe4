"""A campaign at work: customers come in, the line is worked off, people join."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flows.campaigns import Sent, line_up, work_off
from flows.customer_import import take_in
from flows.terms import Terms
from loyalty.campaigns import CampaignPlan, CampaignState, claim_event
from loyalty.events import Channel, ConsentState, Customer, Event, EventType, subject_of
from loyalty.links import Links
from loyalty.store import campaigns, invitations
from loyalty.store.database import Database
from tests.flows.booking.desk import Desk

SHOP = "shopify/main"
NAME = "Spring"
LINKS = Links(b"k" * 32, "https://hub.example")
AGREED = {Channel.EMAIL: ConsentState.GRANTED}


def person(number: int | str, **more: Any) -> Customer:
    """A customer of the shop who agreed to e-mail."""
    known = {"email": f"c{number}@shop.example", "first_name": f"C{number}", "consents": AGREED}
    return Customer.model_validate({"id": f"c{number}", **known, **more})


@dataclass
class Drive:
    """One campaign, its customers and its people."""

    database: Database
    desk: Desk

    @property
    def now(self) -> datetime:
        """The hub's clock, which only the test moves."""
        return self.desk.now

    async def terms(self) -> Terms:
        """Under what the next chunk is planned."""
        return self.desk.terms()

    async def create(self, name: str = NAME, **plan: Any) -> UUID:
        """Makes a campaign."""
        async with self.database.begin() as connection:
            made = CampaignPlan.model_validate({"name": name, "points": 10, **plan})
            return (await campaigns.create(connection, made, by="kim", now=self.now)).id

    async def bring(self, *customers: Customer, store: str = SHOP) -> None:
        """Customers whom an import found."""
        async with self.database.begin() as connection:
            await take_in(connection, store, customers, now=self.now)

    async def switch(self, to: CampaignState, name: str = NAME) -> bool:
        """Switches the campaign."""
        async with self.database.begin() as connection:
            return await campaigns.switch(connection, name, to, by="kim", now=self.now)

    async def invite(
        self,
        name: str = NAME,
        *,
        progress: Callable[[Sent], Awaitable[None]] | None = None,
    ) -> Sent:
        """Lines up who can be invited, and works the line off."""
        await line_up(self.database, name, now=self.now)
        more = {} if progress is None else {"progress": progress}
        return await work_off(self.database, name, terms=self.terms, links=LINKS, **more)

    async def send(self, *customers: Customer, **plan: Any) -> Sent:
        """A whole campaign at once: made, filled, switched on, worked off."""
        await self.create(**plan)
        await self.bring(*customers)
        await self.switch(CampaignState.ACTIVE)
        return await self.invite()

    async def waiting(self, name: str = NAME) -> int:
        """How many wait."""
        async with self.database.begin() as connection:
            campaign = await campaigns.find(connection, name)
            return await invitations.waiting(connection, campaign.id)

    async def states(self) -> dict[str, str]:
        """How the invitations stand, by the shop's id of the customer."""
        rows = await self.desk.rows(
            "select c.customer_id, i.state from invitations i"
            " join shop_customers c on c.id = i.customer_id order by 1"
        )
        return {row.customer_id: row.state for row in rows}

    async def invitation(self, customer: str, name: str = NAME) -> UUID:
        """The invitation of a customer."""
        rows = await self.desk.rows(
            "select i.id from invitations i join shop_customers c on c.id = i.customer_id"
            " join campaigns k on k.id = i.campaign_id"
            " where c.customer_id = :customer and k.name = :name",
            customer=customer,
            name=name,
        )
        found: UUID = rows[0].id
        return found

    async def claim(self, customer: str, who: Customer) -> tuple[str, str]:
        """Somebody signs up through the link of a customer's invitation; state and code."""
        event = claim_event(await self.invitation(customer), at=self.now, customer=who)
        return await self.take(event)

    async def sign_up(self, customer: Customer, *, store: str = SHOP) -> None:
        """Somebody signs up without a link."""
        event = Event(
            type=EventType.CUSTOMER_CREATED,
            store=store,
            key=f"{customer.id or customer.email}",
            time=self.now,
            subject=subject_of(store, customer, "x"),
            data=customer,
        )
        await self.desk.take(event)

    async def take(self, event: Event) -> tuple[str, str]:
        """State and code of an event that was taken in and booked."""
        await self.desk.take(event)
        rows = await self.desk.rows(
            "select state, coalesce(outcome ->> 'code', '') as code from inbox"
            " where business_key = :key",
            key=event.business_key,
        )
        return rows[0].state, rows[0].code
