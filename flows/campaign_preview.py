"""An invitation as one customer would get it, and what the gate would say; nothing is planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.announcing import Addressee, foretell
from flows.campaigns import announcement
from flows.terms import Terms
from loyalty.campaigns import Campaign, ShopCustomer
from loyalty.events import Channel
from loyalty.links import Links
from loyalty.preview import Preview, preview
from loyalty.store.invitations import Waiting

NOBODY = UUID(int=0)
"""The invitation that a preview's link names: there is none, so that the link opens nothing."""

SAMPLE = ShopCustomer("", "sample", "mila@shop.example", "+15005550123", "Mila", "Berg")
"""Whom a preview is for where no customer is named."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a customer would get, and when.

    Attributes:
        verdict: `would be sent at …, because …` in a sentence.
    """

    channel: Channel
    to: str
    message: Preview
    may_go: bool
    verdict: str


async def preview_invitation(
    connection: AsyncConnection,
    campaign: Campaign,
    customer: ShopCustomer,
    *,
    terms: Terms,
    links: Links,
    locale: str = "",
) -> Foretold:
    """The message of a campaign to a customer, with the gate's verdict as of now.

    Args:
        locale: In this language, in place of the customer's own.

    Raises:
        TextError: The text is missing or cannot be filled in.
        ValueError: The customer has no address on the campaign's channel.
    """
    channel = _channel(campaign, customer)
    address = customer.address(channel)
    if not address:
        missing = "e-mail address" if channel is Channel.EMAIL else "telephone number"
        raise ValueError(f"this customer has no {missing}: choose another customer or channel")
    if locale:
        customer = replace(customer, locale=locale)
    one = Waiting(NOBODY, channel, address, customer, is_member=False, is_out=False)
    expires_at = terms.now + timedelta(days=campaign.plan.valid_days)
    asked = announcement(campaign, one, terms, links, expires_at=expires_at)
    person = Addressee(
        first_name=customer.first_name,
        last_name=customer.last_name,
        email=customer.email,
        phone=customer.phone,
        locale=asked.locale,
        zone=customer.zone,
    )
    context = {"member": person, "programme": terms.programme, "values": dict(asked.values)}
    message = preview(
        terms.texts, campaign.plan.template, channel.value, locale=asked.locale, context=context
    )
    (verdict,) = await foretell(connection, [asked], terms=terms)
    why = verdict.told.partition(": ")[2] or verdict.told
    at = verdict.send_at or terms.now
    told = f"would be sent at {at:%Y-%m-%d %H:%M} UTC, because {why or 'nothing stands against it'}"
    if not verdict.may_go:
        told = f"would not be sent, because {why}"
    return Foretold(channel, address, message, verdict.may_go, told)


def _channel(campaign: Campaign, customer: ShopCustomer) -> Channel:
    if campaign.plan.channel == "auto":
        return Channel.SMS if customer.email is None and customer.phone else Channel.EMAIL
    return Channel(campaign.plan.channel)
