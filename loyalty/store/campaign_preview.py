"""An invitation as one customer would get it, and what the gate would say; nothing is planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.campaigns import TOPIC, CampaignPlan, ShopCustomer, values_of
from loyalty.events import Channel
from loyalty.gate import Message, judge
from loyalty.invitation_links import join_link
from loyalty.links import Links
from loyalty.preview import Preview, preview
from loyalty.programme import Programme
from loyalty.store import gate
from loyalty.texts import Recipient, Texts

NOBODY = UUID(int=0)
"""The invitation that a preview's link names: there is none, so that the link opens nothing."""

SAMPLE = ShopCustomer("", "sample", "mila@shop.example", "+15005550123", "Mila", "Berg")
"""Whom a preview is for where no customer is named."""


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a customer would get, and when.

    Attributes:
        verdict: `would be sent at …, because …`, in words.
    """

    channel: Channel
    to: str
    message: Preview
    may_go: bool
    verdict: str


async def preview_invitation(  # noqa: PLR0913 - everything a message depends on
    connection: AsyncConnection,
    plan: CampaignPlan,
    customer: ShopCustomer,
    *,
    programme: Programme,
    texts: Texts,
    links: Links,
    now: datetime,
    locale: str = "",
) -> Foretold:
    """The message of a campaign to a customer, with the gate's verdict as of now.

    Args:
        locale: In this language, in place of the customer's own.

    Raises:
        TextError: The text is missing or cannot be filled in.
        ValueError: The customer has no address on the campaign's channel.
    """
    channel, address = chosen(plan, customer)
    if not address:
        missing = "e-mail address" if channel is Channel.EMAIL else "telephone number"
        raise ValueError(f"this customer has no {missing}: choose another customer or channel")
    customer = replace(customer, locale=locale or customer.locale or plan.locale)
    expires_at = now + timedelta(days=plan.valid_days)
    values = values_of(plan, programme, link=join_link(links, NOBODY), expires_at=expires_at)
    person = Recipient(
        name=customer.name,
        first_name=customer.first_name,
        locale=customer.locale,
        zone=customer.zone,
    )
    context = {"recipient": person, "programme": programme, "values": values}
    message = preview(texts, plan.template, channel.value, locale=customer.locale, context=context)
    known = await gate.knowledge(
        connection, {(channel.value, address)}, programme.messaging, now=now
    )
    asked = Message(
        NOBODY, channel, address, topic=TOPIC, zone=customer.zone, valid_until=expires_at
    )
    verdict = judge(asked, known, programme, now=now)
    return Foretold(
        channel, address, message, verdict.may_go, _said(verdict.told, verdict.send_at, now)
        if verdict.may_go else f"would not be sent, because {_why(verdict.told)}"
    )  # fmt: skip


def chosen(plan: CampaignPlan, customer: ShopCustomer) -> tuple[Channel, str]:
    """On which channel and where a campaign reaches a customer; an empty address for nowhere."""
    if plan.channel == "auto":
        channel = Channel.SMS if customer.email is None else Channel.EMAIL
    else:
        channel = Channel(plan.channel)
    return channel, customer.address(channel) or ""


def _said(told: str, send_at: datetime | None, now: datetime) -> str:
    at = f"{send_at or now:%Y-%m-%d %H:%M} UTC"
    return f"would be sent at {at}, because {_why(told) or 'nothing stands against it'}"


def _why(told: str) -> str:
    """The sentence of a verdict without its code."""
    return told.partition(": ")[2] or told
