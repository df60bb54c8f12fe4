"""Zendesk's event webhooks.

https://developer.zendesk.com/documentation/webhooks/verifying/: base64 of an HMAC-SHA256 over
the timestamp header and the body. What an event is stands in its own body. Events of agents
and admins are no customers' and yield nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from connectors.kit.payload import Contact, Id, Instant, Maybe, OptionalId, Text, VendorModel, read
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Parse,
    Source,
    Trigger,
    Webhook,
    decode_json,
    hmac_base64,
    require_fresh,
    require_match,
    signing_secrets,
)
from loyalty.events import Activity, Customer, Event, EventType, subject_of

SIGNATURE = "X-Zendesk-Webhook-Signature"
TIMESTAMP = "X-Zendesk-Webhook-Signature-Timestamp"
TOLERANCE = timedelta(minutes=30)
"""The vendor names none; its own repeats come within minutes."""

PREFIX = "zen:event-type:"
END_USER = "end-user"


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the webhook's secret did not sign, and what is too old."""
    secrets = signing_secrets(account.signing_secret)
    stamp = request.headers.get(TIMESTAMP.lower(), "")
    content = stamp.encode("utf-8", "surrogateescape") + request.body
    expected = [hmac_base64(secret, content) for secret in secrets]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        raise BadSignature(f"the {TIMESTAMP} header is no time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    require_fresh(moment, request.received_at, TOLERANCE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The headers by which Zendesk proves a webhook."""
    stamp = request.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = stamp.encode() + request.body
    return {
        SIGNATURE.lower(): hmac_base64(account.signing_secret, content),
        TIMESTAMP.lower(): stamp,
    }


# --- what stands in them ---------------------------------------------------------------------


class UserDetail(VendorModel):
    id: Id
    email: Contact = None
    role: Text = ""
    created_at: Instant | None = None


class TicketDetail(VendorModel):
    id: Id
    requester_id: OptionalId = None
    status: Text = ""


class FieldChange(VendorModel):
    id: OptionalId = None
    title: Text = ""


class Change(VendorModel):
    """What an event says of itself; only of a field does it name one."""

    custom_field: Maybe[FieldChange] = Field(None)
    current: Any = None


class UserEvent(VendorModel):
    id: Annotated[Id, Field(max_length=100)]
    time: Instant
    detail: UserDetail


class TicketEvent(VendorModel):
    id: Annotated[Id, Field(max_length=100)]
    time: Instant
    detail: TicketDetail
    event: Maybe[Change] = None


def parse_new_user(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """user.created."""
    return _about_user(EventType.CUSTOMER_CREATED, payload, source)


def parse_user(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """user.*_changed: each event is a fact of its own."""
    return _about_user(EventType.CUSTOMER_UPDATED, payload, source)


def _about_user(kind: EventType, payload: Any, source: Source) -> Sequence[Event]:
    found = read(UserEvent, payload)
    detail = found.detail
    if detail.role != END_USER:
        return []
    who = Customer(id=detail.id, email=detail.email, created_at=detail.created_at)
    is_new = kind is EventType.CUSTOMER_CREATED
    return [
        Event(
            type=kind,
            store=source.store,
            key=detail.id if is_new else f"{detail.id}:{found.id}",
            time=found.time,
            subject=subject_of(source.store, who, detail.id),
            data=who,
        )
    ]


def parse_status(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """ticket.status_changed: `ticket.solved` and the like, by the person who asked."""
    found = read(TicketEvent, payload)
    status = found.detail.status.lower()[:40]
    return _about_ticket(found, f"ticket.{status}", found.detail.id, source) if status else []


def parse_field(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """ticket.custom_field_changed: which field, not what is in it, since it may be anything."""
    found = read(TicketEvent, payload)
    field = found.event.custom_field if found.event else None
    which = (field.id or field.title) if field else ""
    ref = f"{found.detail.id[:60]}:{which[:60]}" if which else found.detail.id
    return _about_ticket(found, "ticket.field_changed", ref, source)


def _about_ticket(found: TicketEvent, name: str, ref: str, source: Source) -> Sequence[Event]:
    person = found.detail.requester_id
    if person is None:
        return []
    who = Customer(id=person)
    return [
        Event(
            type=EventType.ACTIVITY_REPORTED,
            store=source.store,
            key=found.id,
            time=found.time,
            subject=subject_of(source.store, who, found.detail.id),
            data=Activity(name=name, ref=ref, customer=who),
        )
    ]


# --- the declaration -------------------------------------------------------------------------


def _trigger(topic: str, parse: Parse, title: str, kind: EventType) -> Trigger:
    return Trigger(
        vendor_event=PREFIX + topic,
        event_types=(kind,),
        title=title,
        parse=parse,
        sample=f"{topic.replace('.', '_')}.json",
    )


_CHANGED = (
    ("user.custom_field_changed", "A field of a user changed."),
    ("user.tags_changed", "A user's tags changed."),
    ("user.name_changed", "A user's name changed."),
    ("user.external_id_changed", "A user's external id changed."),
)
_ALL = (
    _trigger("user.created", parse_new_user, "A user was created.", EventType.CUSTOMER_CREATED),
    *(_trigger(topic, parse_user, title, EventType.CUSTOMER_UPDATED) for topic, title in _CHANGED),
    _trigger(
        "ticket.status_changed",
        parse_status,
        "A ticket's status changed.",
        EventType.ACTIVITY_REPORTED,
    ),
    _trigger(
        "ticket.custom_field_changed",
        parse_field,
        "A field of a ticket changed.",
        EventType.ACTIVITY_REPORTED,
    ),
)


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The body's own type."""
    found = payload.get("type") if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=lambda request, payload: request.headers.get("x-zendesk-webhook-invocation-id"),
    signing_field="signing_secret",
)
