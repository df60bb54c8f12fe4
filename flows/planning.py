"""From what a rule asks for to deliveries: text filled in, gate passed, route chosen, key fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import (
    AudienceMember,
    ChatPost,
    CrmContact,
    SheetRow,
    TrackedEvent,
    WebhookCall,
)
from flows import offers
from flows.directory import Directory, Route
from flows.letters import Letter, address_of, first_problem, numbered, plan_first
from loyalty.events import Channel, ConsentState, Event, Purpose
from loyalty.facts import Result
from loyalty.gate import Knowledge
from loyalty.links import Links
from loyalty.occasions import speaks_at, zone_for, zone_of
from loyalty.programme import Programme, policy_of
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.ids import new_id
from loyalty.store.people import Member
from loyalty.texts import TextError, Texts
from rules.decision import Effect, EffectKind

CAPABILITY_OF: dict[EffectKind, Capability] = {
    EffectKind.UPSERT_CONTACT: Capability.CRM,
    EffectKind.ADD_TO_AUDIENCE: Capability.AUDIENCE,
    EffectKind.TRACK_EVENT: Capability.TRACK,
    EffectKind.POST_TO_CHAT: Capability.CHAT,
    EffectKind.APPEND_ROW: Capability.SHEET,
    EffectKind.CALL_WEBHOOK: Capability.WEBHOOK,
}


class CannotPlan(Exception):
    """There is nothing to send, for a reason that operations should see."""


@dataclass(frozen=True)
class Occasion:
    """Everything a text or a record may speak of, gathered once per event."""

    event: Event
    event_id: int
    member: Member
    result: Result
    data_name: str
    known: Knowledge

    @cached_property
    def told(self) -> Mapping[str, Any]:
        """The event as endpoints outside are told of it; the same for all of them."""
        return self.event.cloud_event(event_id=str(self.event_id))


@dataclass(frozen=True)
class Planner:
    """Plans the deliveries of events under one programme.

    Args:
        owner: The worker that will send what is ready.
        links: Makes the links in messages; None where nothing is ever sent.
    """

    programme: Programme
    texts: Texts
    directory: Directory
    owner: str
    now: datetime
    links: Links | None = None
    _routes: dict[tuple[Capability, str], Route] = field(default_factory=dict, init=False)

    def plan(self, occasion: Occasion, effect: Effect) -> Delivery:
        """The delivery for one effect: pending and leased, held, parked, suppressed or dead."""
        if effect.kind is EffectKind.SEND_MESSAGE:
            return self.write(self.letters(occasion, effect), occasion.known)
        capability = capability_of(effect)
        route = self.route(capability, effect.connection)
        content: dict[str, Any] = {}
        state, reason = ("pending", "") if not route.problem else ("held", route.problem)
        try:
            payload = self._payload(occasion, effect)
            content = payload.model_dump(mode="json")
        except (CannotPlan, TextError) as error:
            state, reason = "suppressed", str(error)
        except ValidationError as error:
            state, reason = "dead", first_problem(error)
        return self._delivery(
            occasion,
            effect,
            route,
            capability=capability,
            content=content,
            state=state,
            reason=reason,
        )

    def write(self, letters: Sequence[Letter], known: Knowledge) -> Delivery:
        """The delivery of a message on the first channel that the gate lets it go by."""
        return plan_first(self, letters, known)

    def route(self, capability: Capability, fixed: str = "") -> Route:
        """Looked up once: directory and programme stay as they are for this planner."""
        route = self._routes.get((capability, fixed))
        if route is None:
            route = self.directory.route(capability, self.programme, fixed)
            self._routes[capability, fixed] = route
        return route

    def letters(self, occasion: Occasion, effect: Effect) -> list[Letter]:
        """The message that a rule asks for, on each channel it may go by, first choice first."""
        if effect.channel != "auto":
            return [self.letter(occasion, effect)]
        return [
            self.letter(occasion, effect.model_copy(update={"channel": channel.value}))
            for channel in self.programme.fallback.chain
        ]

    def letter(self, occasion: Occasion, effect: Effect) -> Letter:
        """The message that a rule asks for, before the gate."""
        channel, member = Channel(effect.channel), occasion.member
        address = address_of(member, channel)
        via = self.route(Capability(effect.channel), effect.connection).slug or effect.channel
        key = f"{occasion.event.business_key}:{effect.rule}:{effect.index}:{via}:{address}"
        minutes = effect.valid_minutes
        return Letter(
            id=numbered(self.now),
            key=key,
            rule=effect.rule,
            template=effect.template,
            channel=channel,
            purpose=Purpose(effect.purpose),
            context=self._context(occasion, effect),
            member=member,
            address=address,
            name=f"{member.first_name} {member.last_name}".strip(),
            locale=member.locale,
            topic=effect.topic,
            priority=effect.priority,
            not_before=self._goes_at(occasion),
            valid_until=occasion.event.time + timedelta(minutes=minutes) if minutes else None,
            about_at=occasion.event.time,
            event_id=occasion.event_id,
            connection=effect.connection,
        )

    def _goes_at(self, occasion: Occasion) -> datetime | None:
        """For a message on somebody's day: nine in the morning there."""
        policy = policy_of(self.programme, occasion.event.type)
        if policy is None:
            return None
        begins_in = zone_for(policy, member=occasion.member.zone, programme=self.programme.zone)
        day = occasion.event.time.astimezone(begins_in).date()
        return speaks_at(day, zone_of(occasion.member.zone, self.programme.zone))

    def _delivery(
        self,
        occasion: Occasion,
        effect: Effect,
        route: Route,
        *,
        capability: Capability,
        content: dict[str, Any],
        state: str,
        reason: str,
    ) -> Delivery:
        target = str(occasion.member.id)
        via = route.slug or capability.value
        is_ready = state == "pending"
        return Delivery(
            id=new_id(self.now),
            key=f"{occasion.event.business_key}:{effect.rule}:{effect.index}:{via}:{target}",
            capability=capability.value,
            input=content,
            state=state,
            created_at=self.now,
            connector=route.connector,
            connection=route.connection,
            action=route.action,
            event_id=occasion.event_id,
            member_id=occasion.member.id,
            rule=effect.rule,
            target=target,
            reason=reason,
            owner=self.owner if is_ready else "",
            lease_until=self.now + LEASE if is_ready else None,
        )

    def _payload(self, occasion: Occasion, effect: Effect) -> Payload:
        member = occasion.member
        match effect.kind:
            case EffectKind.UPSERT_CONTACT:
                return CrmContact(
                    email=_email(member),
                    phone=member.phone or "",
                    first_name=member.first_name,
                    last_name=member.last_name,
                    properties=_scalars(effect.values),
                )
            case EffectKind.ADD_TO_AUDIENCE:
                return self._audience(occasion, effect)
            case EffectKind.TRACK_EVENT:
                return TrackedEvent(
                    name=effect.name,
                    time=occasion.event.time,
                    email=member.email or "",
                    phone=member.phone or "",
                    external_id=str(member.id),
                    properties=_scalars(effect.values),
                )
            case EffectKind.POST_TO_CHAT:
                return ChatPost(text=self._text(occasion, effect, "chat")["text"])
            case EffectKind.APPEND_ROW:
                return SheetRow(values=tuple(_scalar(cell) for cell in effect.row))
            case EffectKind.CALL_WEBHOOK:
                return WebhookCall(
                    type=effect.name or occasion.event.type.value,
                    timestamp=occasion.event.time,
                    data={
                        **occasion.told,
                        "member": str(member.id),
                        "values": _scalars(effect.values),
                    },
                )
            case _:
                return self._offer(occasion, effect)

    def _offer(self, occasion: Occasion, effect: Effect) -> Payload:
        member, values = occasion.member, _scalars(effect.values)
        match effect.kind:
            case EffectKind.ISSUE_REWARD:
                currency = self.programme.currency
                return offers.reward(effect, member, currency=currency, now=self.now)
            case EffectKind.UPDATE_ROW:
                return offers.row(effect, _scalar(effect.key), values)
            case EffectKind.JOIN_CAMPAIGN:
                return offers.journey(effect, member, values, occasion.event.time)
            case EffectKind.CREATE_TICKET:
                text = self._text(occasion, effect, "chat")["text"]
                return offers.ticket(effect, member, text, values)
            case EffectKind.UPDATE_CUSTOMER:
                return offers.customer_change(effect, member, values)
            case _:
                raise CannotPlan(f"nothing is delivered for {effect.kind.value}")

    def _audience(self, occasion: Occasion, effect: Effect) -> Payload:
        member = occasion.member
        email = _email(member)
        return AudienceMember(
            email=email,
            first_name=member.first_name,
            last_name=member.last_name,
            is_subscribed=occasion.known.words.state("email", email) is ConsentState.GRANTED,
            merge_fields=_scalars(effect.values),
            tags=effect.tags,
        )

    def _text(self, occasion: Occasion, effect: Effect, channel: str) -> dict[str, str]:
        return self.texts.render(effect.template, channel, self._context(occasion, effect))

    def _context(self, occasion: Occasion, effect: Effect) -> dict[str, Any]:
        return {
            "event": occasion.event,
            occasion.data_name: occasion.event.data,
            "member": occasion.member,
            "result": occasion.result,
            "programme": self.programme,
            "values": effect.values,
        }


def capability_of(effect: Effect) -> Capability:
    """What serves an effect; of a message whose channel is left open, the first it may go by."""
    if effect.kind is EffectKind.SEND_MESSAGE:
        return Capability.SMS if effect.channel == "auto" else Capability(effect.channel)
    return CAPABILITY_OF.get(effect.kind) or offers.capability_of_offer(effect)


def _email(member: Member) -> str:
    if not member.email:
        raise CannotPlan("the member has no e-mail address")
    return member.email


def _scalars(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _scalar(value) for name, value in values.items()}


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, bool, Decimal)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
