"""Conversations in chats: somebody writes, is invited, and binds their account by the link."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import Field

from deployments.scenario.acts.family import Family
from deployments.scenario.engine import LINKS
from deployments.scenario.happening import Happening
from deployments.scenario.parts import Name
from deployments.scenario.steps_base import Reported
from loyalty.events import ChatBound, ChatInvited, ChatMessage, Customer, Event, EventType
from loyalty.events.chats import ChatChannel
from loyalty.links import LinkInvalid, LinkKind
from loyalty.store import people
from loyalty.store.ids import new_id

if TYPE_CHECKING:
    from deployments.scenario.world import World

TEAM = "the team"


class Wrote(Reported):
    """Somebody wrote to us in a chat."""

    do: Literal["chat.inbound"]
    channel: ChatChannel
    contact: Name
    body: str = "hello"


class Invited(Reported):
    """A person of the team invites them; `token` names the link in the message."""

    do: Literal["invite.chat"]
    channel: ChatChannel
    contact: Name
    token: Name


class Claimed(Reported):
    """Somebody signs in by the link; a token of no invitation is an altered link."""

    do: Literal["bind.claim"]
    token: Name
    member: Name


class LoggedIn(Reported):
    """Somebody signs in by another page."""

    do: Literal["member.login"]
    member: Name
    token: Name | None = Field(None, description="The link that they came by, if any.")


async def play(world: World, step: Any, at: datetime) -> Happening:
    """Reports it as the connector, the console and the hub's page would."""
    match step:
        case Wrote():
            return await world.take(_wrote(step, at))
        case Invited():
            return await _invite(world, step, at)
        case Claimed():
            return await _claim(world, step, at)
        case LoggedIn() if step.token is not None:
            return await _claim(world, step, at)
    return Happening("applied", values={"bound": await _bound(world)})


def _wrote(step: Wrote, at: datetime) -> Event:
    key = f"{step.contact}:{at.isoformat()}"
    return _event(
        EventType.CHAT_RECEIVED,
        step,
        key=key,
        at=at,
        data=ChatMessage(
            id=key, channel=step.channel, body=step.body, customer=Customer(id=step.contact)
        ),
    )


async def _invite(world: World, step: Invited, at: datetime) -> Happening:
    number = new_id(at)
    world.tokens[step.token] = LINKS.token(LinkKind.BIND, {"i": str(number)})
    data = ChatInvited(
        invitation_id=str(number), channel=step.channel, contact=step.contact, by=TEAM
    )
    event = _event(EventType.CHAT_INVITED, step, key=str(number), at=at, data=data)
    happened = await world.take(event)
    if expires_at := happened.outcome.get("expires_at"):
        happened.values["link_expires_at"] = datetime.fromisoformat(expires_at)
    return happened


async def _claim(world: World, step: Any, at: datetime) -> Happening:
    token = world.tokens.get(step.token) or f"{next(iter(world.tokens.values()), '')}x"
    try:
        number = LINKS.read(LinkKind.BIND, token)["i"]
    except LinkInvalid as error:
        found = await _bound(world)
        return Happening("rejected", "link_invalid", reason=str(error), values={"bound": found})
    data = ChatBound(invitation_id=number, customer=Customer(card=step.member))
    event = Event(
        type=EventType.CHAT_BOUND,
        store="hub",
        key=f"{number}:{step.member}",
        time=at,
        subject=f"card:{step.member}",
        data=data,
    )
    happened = await world.take(event)
    happened.values["bound"] = await _bound(world)
    return happened


async def _bound(world: World) -> dict[str, str | None]:
    """Whose membership each chat's person is, by the names of the file."""
    await world.meet()
    chats = {
        (f"{step.channel}/{step.store}", step.contact)
        for step in world.parts
        if isinstance(step, (Wrote, Invited))
    }
    keys = {(store, "customer", contact): contact for store, contact in sorted(chats)}
    async with world.window.open() as connection:
        found = await people.find(connection, list(keys))
    whose: dict[str, UUID | None] = {contact: found.get(key) for key, contact in keys.items()}
    return {
        contact: None if member is None else world.members.name_of(member)
        for contact, member in whose.items()
    }


def _event(event_type: EventType, step: Any, *, key: str, at: datetime, data: Any) -> Event:
    store = f"{step.channel}/{step.store}"
    return Event(
        type=event_type,
        store=store,
        key=key,
        time=at,
        subject=f"{store}:customer:{step.contact}",
        data=data,
    )


FAMILY = Family(
    steps=(Wrote, Invited, Claimed, LoggedIn),
    play=play,
    answers=("link_expires_at", "bound"),
    writes=True,
)
