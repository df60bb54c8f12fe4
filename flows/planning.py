"""From what a rule asks for to deliveries: text filled in, gate passed, route chosen, key fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from connectors.kit.action import Capability, Payload
from connectors.kit.capabilities import (
    AudienceMember,
    ChatPost,
    CrmContact,
    EmailMessage,
    SheetRow,
    SmsMessage,
    TrackedEvent,
    WebhookCall,
)
from flows import offers
from flows.directory import Directory, Route
from loyalty.events import Channel, ConsentState, Event
from loyalty.facts import Result
from loyalty.gate import Verdict, judge
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


@dataclass(frozen=True, slots=True)
class Occasion:
    """Everything a text or a record may speak of, gathered once per event."""

    event: Event
    event_id: int
    member: Member
    result: Result
    data_name: str
    consents: Mapping[tuple[str, str], ConsentState]


@dataclass(frozen=True)
class Planner:
    """Plans the deliveries of events under one programme.

    Args:
        owner: The worker that will send what is ready.
    """

    programme: Programme
    texts: Texts
    directory: Directory
    owner: str
    now: datetime
    _routes: dict[tuple[Capability, str], Route] = field(default_factory=dict, init=False)

    def plan(self, occasion: Occasion, effect: Effect) -> Delivery:
        """The delivery for one effect: pending and leased, held, suppressed or dead."""
        capability = capability_of(effect)
        route = self._route(capability, effect.connection)
        verdict = verdict_on(occasion, effect)
        content: dict[str, Any] = {}
        state, reason = ("pending", "") if not route.problem else ("held", route.problem)
        try:
            payload = self._payload(occasion, effect)
            content = payload.model_dump(mode="json")
        except (CannotPlan, TextError) as error:
            state, reason = "suppressed", str(error)
        except ValidationError as error:
            state, reason = "dead", _first_problem(error)
        if not verdict.may_go:
            state, reason = "suppressed", verdict.reason
        if state in ("pending", "held") and self._is_late(occasion, effect):
            state, reason = "suppressed", "would be late: it is about something too long ago"
        goes_at = self._goes_at(occasion, effect) if state == "pending" else None
        if goes_at is not None:
            state, reason = "parked", "waits for nine in the morning where the member lives"
        planned = self._delivery(
            occasion,
            effect,
            route,
            capability=capability,
            content=content,
            state=state,
            reason=reason,
        )
        planned.next_attempt_at = goes_at
        return planned

    def _route(self, capability: Capability, fixed: str) -> Route:
        """Looked up once: directory and programme stay as they are for this planner."""
        route = self._routes.get((capability, fixed))
        if route is None:
            route = self.directory.route(capability, self.programme, fixed)
            self._routes[capability, fixed] = route
        return route

    def _is_late(self, occasion: Occasion, effect: Effect) -> bool:
        """Whether a message is about something longer ago than the programme's messages may be."""
        hours = self.programme.max_lateness_hours
        if hours is None or effect.kind is not EffectKind.SEND_MESSAGE:
            return False
        return self.now - occasion.event.time > timedelta(hours=hours)

    def _goes_at(self, occasion: Occasion, effect: Effect) -> datetime | None:
        """For a message on somebody's day: nine in the morning there; None where that is past."""
        if effect.kind is not EffectKind.SEND_MESSAGE:
            return None
        policy = policy_of(self.programme, occasion.event.type)
        if policy is None:
            return None
        begins_in = zone_for(policy, member=occasion.member.zone, programme=self.programme.zone)
        day = occasion.event.time.astimezone(begins_in).date()
        goes_at = speaks_at(day, zone_of(occasion.member.zone, self.programme.zone))
        return goes_at if goes_at > self.now else None

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
        target = _target(occasion.member, effect)
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
            case EffectKind.SEND_MESSAGE:
                return self._message(occasion, effect)
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
                data = occasion.event.cloud_event(event_id=str(occasion.event_id))
                return WebhookCall(
                    type=effect.name or occasion.event.type.value,
                    timestamp=occasion.event.time,
                    data={**data, "member": str(member.id), "values": _scalars(effect.values)},
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

    def _message(self, occasion: Occasion, effect: Effect) -> Payload:
        member = occasion.member
        parts = self._text(occasion, effect, effect.channel)
        if effect.channel == Channel.SMS:
            if not member.phone:
                raise CannotPlan("the member has no telephone number")
            return SmsMessage(to=member.phone, body=parts["text"])
        return EmailMessage(
            to=_email(member),
            to_name=f"{member.first_name} {member.last_name}".strip(),
            subject=parts["subject"],
            text=parts["text"],
            html=parts.get("html", ""),
        )

    def _audience(self, occasion: Occasion, effect: Effect) -> Payload:
        member = occasion.member
        email = _email(member)
        return AudienceMember(
            email=email,
            first_name=member.first_name,
            last_name=member.last_name,
            is_subscribed=occasion.consents.get(("email", email)) is ConsentState.GRANTED,
            merge_fields=_scalars(effect.values),
            tags=effect.tags,
        )

    def _text(self, occasion: Occasion, effect: Effect, channel: str) -> dict[str, str]:
        context = {
            "event": occasion.event,
            occasion.data_name: occasion.event.data,
            "member": occasion.member,
            "result": occasion.result,
            "programme": self.programme,
            "values": effect.values,
        }
        return self.texts.render(effect.template, channel, context)


def capability_of(effect: Effect) -> Capability:
    """What serves an effect."""
    if effect.kind is EffectKind.SEND_MESSAGE:
        return Capability(effect.channel)
    return CAPABILITY_OF.get(effect.kind) or offers.capability_of_offer(effect)


_NOT_ASKED = Verdict(True)


def verdict_on(occasion: Occasion, effect: Effect) -> Verdict:
    """Whether an effect may reach the member."""
    if effect.kind is not EffectKind.SEND_MESSAGE:
        return _NOT_ASKED
    channel = Channel(effect.channel)
    member = occasion.member
    if member.state == "erased":
        return Verdict(False, "erased: this person asked to be forgotten")
    address = member.email if channel is Channel.EMAIL else member.phone
    return judge(channel, address, occasion.consents.get((channel.value, address or "")))


def _target(member: Member, effect: Effect) -> str:
    if effect.kind is EffectKind.SEND_MESSAGE:
        return (member.email if effect.channel == Channel.EMAIL else member.phone) or ""
    return str(member.id)


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


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"the content does not fit: {place}: {first['msg']}"
