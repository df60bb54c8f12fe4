"""A message to one person on its way through the gate: text filled in, verdict given, planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import ValidationError

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import EmailMessage, SmsMessage
from loyalty.consent_links import ONE_CLICK, preferences_url, unsubscribe_url
from loyalty.events import Channel, Purpose
from loyalty.gate import Knowledge, Message, Verdict, judge
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.ids import new_id
from loyalty.store.people import Member
from loyalty.texts import MessageLinks, TextError
from loyalty.tracking import tracked

if TYPE_CHECKING:
    from flows.planning import Planner

_STATES = {"send": "pending", "defer": "parked", "suppress": "suppressed"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A message before the gate.

    Attributes:
        key: Makes it once.
        rule: What it is planned for: a rule, or what announces it.
        context: Everything its text may speak of.
        connection: Fixes one instead of the programme's route.
        about_at: When what it speaks of happened, where that may be too long ago.
    """

    key: str
    rule: str
    template: str
    channel: Channel
    purpose: Purpose
    context: Mapping[str, Any]
    member: Member | None = None
    address: str = ""
    name: str = ""
    locale: str = ""
    zone: str = ""
    topic: str = ""
    priority: int = 0
    not_before: datetime | None = None
    valid_until: datetime | None = None
    about_at: datetime | None = None
    event_id: int | None = None
    connection: str = ""
    campaign: str = ""
    id: UUID = field(default_factory=lambda: UUID(int=0))

    def message(self) -> Message:
        """What the gate is asked about it."""
        member = self.member
        return Message(
            id=self.id,
            channel=self.channel,
            address=self.address,
            purpose=self.purpose,
            topic=self.topic,
            zone=self.zone or (member.zone if member else ""),
            priority=self.priority,
            not_before=self.not_before,
            valid_until=self.valid_until,
            about_at=self.about_at,
            is_erased=member is not None and member.state == "erased",
            answers_help=answers_help(self.key),
        )


HELP = "announced:sms_help:"
"""What the keys of answers to HELP begin with; no key of a rule's message does."""


def answers_help(key: str) -> bool:
    """Whether a message is the answer to HELP, by its key: the gate lets it pass a STOP."""
    return key.startswith(HELP)


def address_of(member: Member, channel: Channel) -> str:
    """Where a message on a channel reaches a member; empty where nowhere."""
    return (member.email if channel is Channel.EMAIL else member.phone) or ""


def plan_first(planner: Planner, letters: Sequence[Letter], known: Knowledge) -> Delivery:
    """The delivery of a message on the first channel that the gate lets it go by.

    What follows on the channels behind it is written now and judged when it would go; where no
    channel is open, the first says why.

    Args:
        letters: The message on each of its channels, first choice first.
    """
    if len(letters) == 1:
        return plan_letter(planner, letters[0], known)
    able = [one for one in letters if one.address] or [*letters[:1]]
    at = next((n for n, one in enumerate(able) if verdict_on(planner, one, known).may_go), None)
    delivery = plan_letter(planner, able[at or 0], known)
    behind = able[at + 1 :] if at is not None else []
    delivery.behind = [one for letter in behind if (one := _written_ahead(planner, letter))]
    for one in delivery.behind:
        if one.key == delivery.key:
            one.key = f"{delivery.key}:{one.capability}"
    return delivery


def _written_ahead(planner: Planner, letter: Letter) -> Delivery | None:
    """A message that may be needed later; None where its text cannot be written."""
    try:
        content = content_of(planner, letter)
    except (TextError, ValidationError):
        return None
    delivery = _delivery(planner, letter, content)
    delivery.state = "parked"
    return delivery


def content_of(planner: Planner, letter: Letter) -> dict[str, Any]:
    """What the vendor is handed; in e-mails that are tracked, the links lead through the hub.

    Raises:
        TextError: The text cannot be written.
        ValidationError: What came out does not fit the channel.
    """
    content = _payload(planner, letter).model_dump(mode="json")
    is_tracked = planner.programme.tracking.covers(letter.purpose.value)
    if is_tracked and planner.links is not None and content.get("html"):
        content["html"] = tracked(content["html"], planner.links, letter.id)
    return content


def plan_letter(planner: Planner, letter: Letter, known: Knowledge) -> Delivery:
    """The delivery of a letter: pending and leased, parked, held, suppressed or dead.

    What may not go needs no text; what cannot be written takes no place under a cap.
    """
    message = letter.message()
    verdict = judge(message, known, planner.programme, now=planner.now)
    state, reason = _STATES[verdict.outcome], verdict.told
    content: dict[str, Any] = {}
    if verdict.may_go:
        try:
            content = content_of(planner, letter)
            known.count(message, verdict, now=planner.now)
        except TextError as error:
            state, reason = "suppressed", str(error)
        except ValidationError as error:
            state, reason = "dead", first_problem(error)
    delivery = _delivery(planner, letter, content)
    delivery.state, delivery.reason = state, reason
    delivery.next_attempt_at, delivery.verdict = verdict.send_at, verdict
    problem = planner.route(Capability(letter.channel.value), letter.connection).problem
    if state in ("pending", "parked") and problem:
        delivery.state, delivery.reason = "held", problem
    if delivery.state == "pending":
        delivery.owner, delivery.lease_until = planner.owner, planner.now + LEASE
    return delivery


def _delivery(planner: Planner, letter: Letter, content: dict[str, Any]) -> Delivery:
    route = planner.route(Capability(letter.channel.value), letter.connection)
    return Delivery(
        id=letter.id,
        key=letter.key,
        capability=letter.channel.value,
        input=content,
        state="",
        created_at=planner.now,
        connector=route.connector,
        connection=route.connection,
        action=route.action,
        event_id=letter.event_id,
        member_id=letter.member.id if letter.member else None,
        rule=letter.rule,
        target=letter.address,
        purpose=letter.purpose.value,
        topic=letter.topic,
        zone=letter.message().zone,
        campaign=letter.campaign,
        priority=letter.priority,
        valid_until=letter.valid_until,
    )


def verdict_on(planner: Planner, letter: Letter, known: Knowledge) -> Verdict:
    """What the gate would say of a letter, without planning it: for previews and simulations."""
    return judge(letter.message(), known, planner.programme, now=planner.now)


def _payload(planner: Planner, letter: Letter) -> Payload:
    links = _links(planner, letter)
    parts = _written(planner, letter, links)
    if letter.channel is Channel.SMS:
        return SmsMessage(to=letter.address, body=parts["text"])
    return EmailMessage(
        to=letter.address,
        to_name=letter.name,
        subject=parts["subject"],
        text=parts["text"],
        html=parts.get("html", ""),
        headers=_headers(links),
    )


def _links(planner: Planner, letter: Letter) -> MessageLinks:
    """The links by which the person leaves or chooses; only marketing has them.

    A confirmation or a code speaks of nothing that one could leave.
    """
    if planner.links is None or letter.purpose is not Purpose.MARKETING:
        return MessageLinks()
    return MessageLinks(
        unsubscribe=unsubscribe_url(planner.links, letter.id),
        preferences=preferences_url(planner.links, letter.id),
    )


def _written(planner: Planner, letter: Letter, links: MessageLinks) -> dict[str, str]:
    """The text in the person's language."""
    name, channel = letter.template, letter.channel.value
    context = {**letter.context, "links": links}
    return planner.texts.render(name, channel, context, locale=letter.locale)


def _headers(links: MessageLinks) -> dict[str, str]:
    """What lets a mailbox offer one-click unsubscribing (RFC 2369, RFC 8058)."""
    if not links.unsubscribe:
        return {}
    return {"List-Unsubscribe": f"<{links.unsubscribe}>", "List-Unsubscribe-Post": ONE_CLICK}


def first_problem(error: ValidationError) -> str:
    """What does not fit in a content, without the content."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"the content does not fit: {place}: {first['msg']}"


def numbered(now: datetime) -> UUID:
    """The id of a new letter: the delivery's, which the gate knows it by."""
    return new_id(now)
