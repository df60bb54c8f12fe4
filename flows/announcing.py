"""Messages that no rule asks for: confirmations, invitations, rewards, digests, answers.

Each goes through the gate like any other; its key makes it once. A desk that holds a working set
plans with `planned`; everybody else announces in a transaction of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.fallback import begin_chains
from flows.letters import Letter, address_of, numbered, verdict_on
from loyalty.contacts import normal_address
from loyalty.events import Channel, Purpose
from loyalty.gate import Knowledge, Verdict
from loyalty.store import deliveries, gate
from loyalty.store.deliveries import Delivery
from loyalty.store.people import Member

if TYPE_CHECKING:
    from flows.planning import Planner
    from flows.terms import Terms

Scalar = str | int | Decimal | bool | date | datetime | None
AUTO: tuple[Channel, ...] = (Channel.SMS, Channel.EMAIL)
"""The channels of an announcement that names none."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody who is no member, as texts speak of them: `member.first_name`, `member.locale`."""

    first_name: str = ""
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    locale: str = ""
    zone: str = ""
    tier: str = ""
    points: int = 0


@dataclass(frozen=True, slots=True)
class Announcement:
    """A message to somebody, in a text of the programme.

    Args:
        key: Makes it once, whoever announces it again; nobody's name or address in it.
        channel: `auto` takes the first channel of the programme's chain that the gate lets it go
            by, and goes on to the next where it does not arrive (`Programme.fallback`).
        member: Whom it is for; their addresses count unless `address` is given.
        address: For somebody who is no member, or another address than the member's first.
        values: What the text may call `values.…`.
        valid_until: From this instant on it is of no use and does not go.
        priority: Who wins where a frequency cap leaves fewer places than there are messages.
        campaign: What it is counted for.
        not_before: It is meant for this instant or later.
    """

    key: str
    template: str
    channel: Literal["email", "sms", "auto"]
    purpose: Literal["marketing", "transactional"]
    member: Member | None
    address: str = ""
    name: str = ""
    locale: str = ""
    zone: str = ""
    values: Mapping[str, Scalar] = field(default_factory=dict)
    topic: str = ""
    valid_until: datetime | None = None
    priority: int = 0
    campaign: str = ""
    not_before: datetime | None = None
    event_id: int | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels it may go by; of `auto`, the programme's chain says in which order."""
        return AUTO if self.channel == "auto" else (Channel(self.channel),)

    def address_on(self, channel: Channel) -> str:
        """Where it goes on a channel; empty where it cannot."""
        if self.address:
            is_email = "@" in self.address
            fits = is_email == (channel is Channel.EMAIL)
            return normal_address(channel, self.address) if fits else ""
        return address_of(self.member, channel) if self.member else ""


async def announce(
    connection: AsyncConnection, announcements: Sequence[Announcement], *, terms: Terms
) -> list[Delivery]:
    """Plans messages in the caller's transaction; those whose key is known already are left out.

    Returns:
        The new deliveries with their verdicts, also those that the gate refused.
    """
    written, known = await _asked_about(connection, announcements, terms)
    found = [terms.planner.write(letters, known) for letters in written]
    new = await deliveries.plan(connection, found)
    await begin_chains(connection, new, terms.programme.fallback, now=terms.now)
    return new


async def foretell(
    connection: AsyncConnection, announcements: Sequence[Announcement], *, terms: Terms
) -> list[Verdict]:
    """What the gate would say now of each; nothing is planned."""
    written, known = await _asked_about(connection, announcements, terms)
    return [_foretold(terms.planner, letters, known) for letters in written]


async def _asked_about(
    connection: AsyncConnection, announcements: Sequence[Announcement], terms: Terms
) -> tuple[list[list[Letter]], Knowledge]:
    """Each announcement's letters, and what the gate has to know of their addresses."""
    written = [_letters(terms.planner, one) for one in announcements]
    asked = {(one.channel.value, one.address) for letters in written for one in letters}
    known = await gate.knowledge(connection, asked, terms.programme.messaging, now=terms.now)
    return written, known


def planned(planner: Planner, announcement: Announcement, known: Knowledge) -> Delivery:
    """The delivery of an announcement, for callers who know the gate's part already."""
    return planner.write(_letters(planner, announcement), known)


def _letters(planner: Planner, one: Announcement) -> list[Letter]:
    """The announcement on each channel it may go by, first choice first."""
    chain = planner.programme.fallback.chain if one.channel == "auto" else one.channels
    return [_letter(planner, one, channel) for channel in chain]


def _foretold(planner: Planner, letters: list[Letter], known: Knowledge) -> Verdict:
    able = [one for one in letters if one.address] or letters
    said = [verdict_on(planner, one, known) for one in able]
    return next((one for one in said if one.may_go), said[0])


def _letter(planner: Planner, one: Announcement, channel: Channel) -> Letter:
    member, address = one.member, one.address_on(channel)
    first, _, last = one.name.partition(" ")
    person = member or Addressee(
        first_name=first,
        last_name=last,
        email=address if channel is Channel.EMAIL else None,
        phone=address if channel is Channel.SMS else None,
        locale=one.locale,
        zone=one.zone,
    )
    return Letter(
        id=numbered(planner.now),
        key=f"announced:{one.key}",
        rule=one.template,
        template=one.template,
        channel=channel,
        purpose=Purpose(one.purpose),
        context={"member": person, "programme": planner.programme, "values": dict(one.values)},
        member=member,
        address=address,
        name=one.name or f"{person.first_name} {person.last_name}".strip(),
        locale=one.locale or person.locale,
        zone=one.zone,
        topic=one.topic,
        priority=one.priority,
        not_before=one.not_before,
        valid_until=one.valid_until,
        event_id=one.event_id,
        campaign=one.campaign,
    )
