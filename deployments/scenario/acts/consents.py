"""What people agree to and take back: consents, double opt-in, one click, texts, bounces."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from deployments.scenario.acts.family import Family
from deployments.scenario.engine import LINKS
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Moment, Name
from deployments.scenario.steps_base import Reported
from loyalty import consent_events, consent_links
from loyalty.consent_links import Behind
from loyalty.events import (
    Channel,
    Consent,
    ConsentImport,
    ConsentRequest,
    ConsentState,
    Event,
    EventType,
    InboundMessage,
    MessageReport,
)
from loyalty.gate import classify
from loyalty.links import LinkInvalid, LinkKind
from loyalty.store import opt_ins
from loyalty.store.people import Member

if TYPE_CHECKING:
    from deployments.scenario.world import World

Wire = Literal["email", "sms"]


class SmsInbound(Reported):
    """Somebody texted us."""

    do: Literal["sms.inbound"]
    sender: str = Field(alias="from")
    body: str


class SmsClassify(Reported):
    """Asks what a text means; expects `intent`."""

    do: Literal["sms.classify"]
    body: str


class ConsentGranted(Reported):
    """A member said yes on a form."""

    do: Literal["consent.granted"]
    member: Name
    channel: Wire


class ConsentImported(Reported):
    """A list says what a member agreed to."""

    do: Literal["consent.import"]
    member: Name
    channel: Wire
    state: ConsentState
    evidence_at: Moment | None = None


class ConsentRequested(Reported):
    """A member entered an address; `token` names the link that is sent for it."""

    do: Literal["consent.requested"]
    member: Name
    channel: Wire
    token: Name


class ConsentConfirmed(Reported):
    """Somebody opened the link (GET) or pressed its button (POST)."""

    do: Literal["consent.confirm"]
    token: Name
    method: Literal["GET", "POST"]


class Unsubscribe(Reported):
    """A request to the unsubscribe link of a member's mail; with `token`, another one."""

    do: Literal["unsubscribe"]
    member: Name
    method: Literal["GET", "POST"]
    body: str = ""
    token: str | None = None


async def play(world: World, step: Reported, at: datetime) -> Happening:
    """Does what the step says."""
    match step:
        case SmsClassify():
            return Happening(values={"intent": classify(step.body).value})
        case SmsInbound():
            return await world.take(_texted(step, at))
        case ConsentRequested():
            return await _request(world, step, at)
        case ConsentConfirmed():
            return await _confirm(world, step, at)
        case Unsubscribe():
            return await _unsubscribe(world, step, at)
        case ConsentGranted():
            member = await _member(world, step.member)
            said = Consent(
                channel=Channel(step.channel),
                address=_address(member, step.channel),
                member_id=str(member.id),
                via=step.via,
            )
            return await world.take(consent_events.given(said, at=at))
        case ConsentImported():
            return await world.take(await _import(world, step, at))
    raise TypeError(f"no act for {step!r}")


async def _import(world: World, step: ConsentImported, at: datetime) -> Event:
    member = await _member(world, step.member)
    said = ConsentImport(
        channel=Channel(step.channel),
        address=_address(member, step.channel),
        member_id=str(member.id),
        state=step.state,
        evidence_at=step.evidence_at,
    )
    return consent_events.imported(said, at=at, key=f"{step.member}:{at.isoformat()}")


async def _request(world: World, step: ConsentRequested, at: datetime) -> Happening:
    member = await _member(world, step.member)
    channel = Channel(step.channel)
    address = _address(member, step.channel)
    asked = ConsentRequest(channel=channel, address=address, member_id=str(member.id), via=step.via)
    happened = await world.take(consent_events.requested(asked, at=at))
    async with world.window.open() as connection:
        found = await opt_ins.latest_requests(connection, [(channel.value, address)])
    for request in found.values():
        if request.requested_at == at:
            world.tokens[step.token] = consent_links.confirm_token(LINKS, request.id)
    return happened


async def _confirm(world: World, step: ConsentConfirmed, at: datetime) -> Happening:
    try:
        number = consent_links.request_behind(LINKS, world.tokens.get(step.token, step.token))
    except LinkInvalid as error:
        return Happening("rejected", "link_invalid", reason=str(error))
    if not consent_links.changes_something(step.method):
        return Happening("ignored")
    return await world.take(consent_events.confirmed(number, at=at))


async def _unsubscribe(world: World, step: Unsubscribe, at: datetime) -> Happening:
    member = await _member(world, step.member)
    behind = Behind(member_id=member.id, channel=Channel.EMAIL)
    token = step.token or LINKS.token(LinkKind.UNSUBSCRIBE, behind.content())
    try:
        found = consent_links.behind(LINKS, LinkKind.UNSUBSCRIBE, token)
    except LinkInvalid as error:
        return Happening("rejected", "link_invalid", reason=str(error))
    if not consent_links.is_one_click(step.method, step.body):
        return Happening("ignored")
    async with world.database.begin() as connection:
        reached = await opt_ins.follow(connection, found)
    if reached is None:
        return Happening("rejected", "link_dead")
    said = Consent(
        channel=reached.channel,
        address=reached.address,
        member_id=str(reached.member_id) if reached.member_id else None,
        via="one_click",
    )
    return await world.take(consent_events.withdrawn(said, at=at))


def _texted(step: SmsInbound, at: datetime) -> Event:
    key = f"{step.sender}:{at.isoformat()}"
    return Event(
        type=EventType.SMS_RECEIVED,
        store="twilio/main",
        key=key,
        time=at,
        subject=f"contact:{step.sender}",
        data=InboundMessage(id=key, channel=Channel.SMS, sender=step.sender, body=step.body),
    )


def bounced(address: str, at: datetime, *, permanent: bool) -> Event:
    """What a mail server reports of an address."""
    return Event(
        type=EventType.MESSAGE_BOUNCED,
        store="smtp/main",
        key=f"{address}:{at.isoformat()}",
        time=at,
        subject=f"contact:{address.lower()}",
        data=MessageReport(channel=Channel.EMAIL, address=address, permanent=permanent),
    )


async def _member(world: World, name: str) -> Member:
    await world.meet()
    async with world.window.open() as connection:
        rows = await world.observer(connection).rows()
    known = world.members.ids.get(name)
    if known is None:
        raise ValueError(f"there is no member {name}")
    return rows[known]


def _address(member: Member, channel: str) -> str:
    return (member.email if channel == "email" else member.phone) or ""


CONSENTS = Family(
    steps=(
        SmsInbound,
        SmsClassify,
        ConsentGranted,
        ConsentImported,
        ConsentRequested,
        ConsentConfirmed,
        Unsubscribe,
    ),
    play=play,
    answers=("intent",),
    writes=True,
)
