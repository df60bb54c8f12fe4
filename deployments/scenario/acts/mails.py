"""What vendors and people's mail programs tell of messages, and what a mailing comes to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import text

from connectors.kit.webhook import InboundRequest, Source
from connectors.twilio.triggers import parse_status
from deployments.scenario.acts.consents import bounced
from deployments.scenario.acts.family import Family
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name
from deployments.scenario.steps_base import Reported
from flows.announcing import Announcement, announce
from loyalty.events import Channel, Event, EventType, MessageReport
from loyalty.store import engagement

if TYPE_CHECKING:
    from deployments.scenario.world import World


class EmailEvent(Reported):
    """Something became of an e-mail to an address; `message` names the mailing it was part of."""

    do: Literal["email.event"]
    to: str
    kind: Literal["hard_bounce", "soft_bounce", "delivered", "open", "click"]
    message: Name | None = None
    user_agent: str = ""
    apple_mpp: bool = False


class SmsStatus(Reported):
    """Twilio says what became of a text; `key` is that of the request it was sent for."""

    do: Literal["sms.status"]
    key: Name
    status: Literal["delivered", "undelivered", "failed"]
    error: str = ""


class StatsBegin(Reported):
    """A mailing goes to these addresses; from now on `stats` tells of it."""

    do: Literal["stats.begin"]
    message: Name
    sent_to: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10_000)]


_KIND_OF = {
    "delivered": EventType.MESSAGE_DELIVERED,
    "open": EventType.MESSAGE_OPENED,
    "click": EventType.MESSAGE_CLICKED,
}
_SENT_BY = text("""
select id, vendor_id, target, connector || '/' || connection as route from deliveries
where campaign = :campaign and target = :target
""")
_SENT_FOR = text("""
select vendor_id, target, connector || '/' || connection as route from deliveries
where key = :key and capability = 'sms'
""")


async def play(world: World, step: Any, at: datetime) -> Happening:
    """Hands the report to the engine as its vendor would tell it."""
    match step:
        case StatsBegin():
            await _send(world, step)
            return Happening("applied", values=await _figures(world, step.message))
        case SmsStatus():
            return await world.take(await _texted(world, step, at))
        case EmailEvent(message=None):
            return await world.take(_bounced(step.to, step, at))
    happened = await world.take(await _mailed(world, step, at))
    happened.values |= await _figures(world, step.message)
    return happened


async def _send(world: World, step: StatsBegin) -> None:
    """Announces the mailing: one message to each address, as a campaign does."""
    letters = [
        Announcement(
            key=f"{step.message}:{name}",
            template=step.message,
            channel="email",
            purpose="transactional",
            member=None,
            address=_address(name),
            campaign=step.message,
        )
        for name in step.sent_to
    ]
    async with world.database.begin() as connection:
        await announce(connection, letters, terms=world.engine.terms())


def _address(name: str) -> str:
    return name if "@" in name else f"{name}@mailing.example"


async def _mailed(world: World, step: EmailEvent, at: datetime) -> Event:
    async with world.window.open() as connection:
        wanted = {"campaign": step.message, "target": _address(step.to)}
        sent = (await connection.execute(_SENT_BY, wanted)).one()
    if step.kind in ("hard_bounce", "soft_bounce"):
        event = _bounced(sent.target, step, at)
        data = event.data.model_copy(update={"vendor_message_id": sent.vendor_id})
        return event.model_copy(update={"data": data, "store": sent.route})
    return Event(
        type=_KIND_OF[step.kind],
        store=sent.route,
        key=f"{sent.vendor_id}:{step.kind}:{at.isoformat()}",
        time=at,
        subject=f"contact:{sent.target}",
        data=MessageReport(
            channel=Channel.EMAIL,
            address=sent.target,
            vendor_message_id=sent.vendor_id,
            detail="https://shop.example/" if step.kind == "click" else "",
            user_agent=step.user_agent,
            is_machine=step.apple_mpp,
        ),
    )


def _bounced(address: str, step: EmailEvent, at: datetime) -> Event:
    return bounced(address, at, permanent=step.kind == "hard_bounce")


async def _texted(world: World, step: SmsStatus, at: datetime) -> Event:
    """Twilio's report as its connector reads it."""
    async with world.window.open() as connection:
        sent = (await connection.execute(_SENT_FOR, {"key": f"announced:{step.key}"})).one()
    payload = {"MessageSid": sent.vendor_id, "To": sent.target, "MessageStatus": step.status}
    request = InboundRequest("POST", "https://hub.example/hooks/twilio/main", {}, b"", at)
    source = Source(*sent.route.split("/"))
    (event,) = parse_status({**payload, "ErrorCode": step.error}, request, source)
    return event


async def _figures(world: World, campaign: str | None) -> dict[str, Any]:
    async with world.window.open() as connection:
        found = (await engagement.figures_of(connection, [campaign or ""]))[campaign or ""]
    rates = {"open_rate": str(found.open_rate), "click_rate": str(found.click_rate)}
    return {"stats": {**asdict(found), **rates}}


MAILS = Family(steps=(EmailEvent, SmsStatus, StatsBegin), play=play, writes=True)
