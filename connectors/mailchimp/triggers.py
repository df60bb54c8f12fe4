"""Mailchimp's audience webhooks: forms, signed since 2026.

https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/. The signature is
over `{t}.{raw body}`; webhooks made before there were signatures come without, and are refused.
There is no id of a delivery: type, member and `fired_at` make a fact one, as Mailchimp advises.

`fired_at` names no zone. It is taken for UTC where that is near the moment of the delivery, and
the moment of the delivery stands in for it where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from pydantic import Field, ValidationError

from connectors.kit.payload import Contact, OptionalId, Text, UtcInstant, VendorModel, read
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Parse,
    Reply,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    hmac_hex,
    require_fresh,
    require_match,
    signing_secrets,
)
from connectors.mailchimp.members import member_id
from loyalty.events import (
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    MessageReport,
    subject_of,
)

SIGNATURE = "X-Mailchimp-Signature"
TOLERANCE = timedelta(minutes=5)
RETRIES = timedelta(hours=2)
"""Mailchimp tries a delivery again for 75 minutes: older than this, `fired_at` is no UTC."""

MAX_FIELDS = 2_000

_HEADER = re.compile(r"t=(\d{1,11}),\s*v1=([0-9a-f]{64})")


class HookForm(VendorModel):
    """What is read of a webhook, under PHP's own names."""

    type: Text
    fired_at: Text
    id: OptionalId = Field(None, alias="data[id]")
    email: Contact = Field(None, alias="data[email]")
    action: Text = Field("", alias="data[action]")
    reason: Text = Field("", alias="data[reason]")
    first_name: Text = Field("", alias="data[merges][FNAME]")
    last_name: Text = Field("", alias="data[merges][LNAME]")


class _Moment(VendorModel):
    at: UtcInstant


# --- genuine or not --------------------------------------------------------------------------


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the webhook's secret did not sign within the last five minutes."""
    (secret,) = signing_secrets(account.webhook_secret)
    given = request.headers.get(SIGNATURE.lower())
    if not given:
        raise BadSignature(
            f"the {SIGNATURE} header is missing: the webhook is an old one without signatures"
        )
    found = _HEADER.fullmatch(given.strip())
    if found is None:
        raise BadSignature(f"the {SIGNATURE} header is not of the form t=…,v1=…")
    stamp, signature = found.groups()
    signed = stamp.encode() + b"." + request.body
    require_match(signature, [hmac_hex(secret, signed)], SIGNATURE)
    require_fresh(datetime.fromtimestamp(int(stamp), UTC), request.received_at, TOLERANCE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Mailchimp proves a webhook."""
    stamp = str(int(request.received_at.timestamp()))
    signature = hmac_hex(account.webhook_secret, stamp.encode() + b"." + request.body)
    return {SIGNATURE.lower(): f"t={stamp},v1={signature}"}


def handshake(request: InboundRequest, account: Any) -> Reply | None:
    """Mailchimp asks by GET whether the address answers; there is nothing else in the answer."""
    return Reply(200, b"") if request.method == "GET" else None


def decode_form(body: bytes) -> dict[str, str]:
    """The form's fields under PHP's own names."""
    try:
        return dict(
            parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        )
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8 (byte {error.start})") from None
    except ValueError:
        raise Unreadable(f"the form has more than {MAX_FIELDS} fields") from None


# --- what it becomes -------------------------------------------------------------------------


def _when(found: HookForm, request: InboundRequest) -> datetime:
    try:
        fired = _Moment.model_validate({"at": found.fired_at}).at
    except ValidationError:
        return request.received_at
    is_near = -TOLERANCE <= request.received_at - fired <= RETRIES
    return fired if is_near else request.received_at


def _event(
    kind: EventType, data: Customer | MessageReport, found: HookForm, request: InboundRequest,
    source: Source,
) -> Event:  # fmt: skip
    identity = member_id(found.email or "")
    if not found.fired_at:
        raise Unreadable("the webhook does not say when it was fired")
    return Event(
        type=kind,
        store=source.store,
        key=f"{found.type[:20]}:{found.id or identity}:{found.fired_at[:30]}",
        time=_when(found, request),
        subject=subject_of(source.store, Customer(id=identity, email=found.email), identity),
        data=data,
    )


def _form(payload: Any, *types: str) -> HookForm:
    found = read(HookForm, payload)
    if found.type not in types:
        raise Unreadable(f"the webhook calls itself {found.type[:40]!r}")
    if found.email is None:
        raise Unreadable("the webhook names no e-mail address")
    return found


def _member(found: HookForm, *, has_subscribed: bool) -> Customer:
    return Customer(
        id=member_id(found.email or ""),
        email=found.email,
        first_name=found.first_name,
        last_name=found.last_name,
        consents={Channel.EMAIL: ConsentState.GRANTED} if has_subscribed else {},
    )


def parse_subscribe(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """subscribe: a form of Mailchimp's, or somebody of the team, added a subscriber."""
    found = _form(payload, "subscribe")
    who = _member(found, has_subscribed=True)
    return [_event(EventType.CUSTOMER_OPTED_IN, who, found, request, source)]


def parse_profile(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """profile: a member's fields changed. It says nothing of consent."""
    found = _form(payload, "profile")
    who = _member(found, has_subscribed=False)
    return [_event(EventType.CUSTOMER_UPDATED, who, found, request, source)]


def parse_unsubscribe(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """unsubscribe; also a contact that the team deleted, who is written to no more either."""
    found = _form(payload, "unsubscribe")
    detail = " ".join(one for one in (found.action, found.reason) if one)
    return [_left(EventType.MESSAGE_UNSUBSCRIBED, detail, found, request, source)]


def parse_cleaned(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """cleaned: the address bounced for good, or the person called it abuse."""
    found = _form(payload, "cleaned")
    is_abuse = found.reason == "abuse"
    kind = EventType.MESSAGE_COMPLAINED if is_abuse else EventType.MESSAGE_BOUNCED
    return [_left(kind, f"cleaned {found.reason}".strip(), found, request, source)]


def _left(
    kind: EventType, detail: str, found: HookForm, request: InboundRequest, source: Source
) -> Event:
    data = MessageReport(
        channel=Channel.EMAIL, address=found.email or "", detail=detail, permanent=True
    )
    return _event(kind, data, found, request, source)


def _trigger(topic: str, parse: Parse, title: str, *types: EventType) -> Trigger:
    return Trigger(topic, types, title, parse, f"{topic}.txt")


_ALL = (
    _trigger("subscribe", parse_subscribe, "Somebody subscribed to the audience.",
             EventType.CUSTOMER_OPTED_IN),
    _trigger("unsubscribe", parse_unsubscribe, "Somebody left the audience.",
             EventType.MESSAGE_UNSUBSCRIBED),
    _trigger("cleaned", parse_cleaned, "An address was cleaned from the audience.",
             EventType.MESSAGE_BOUNCED, EventType.MESSAGE_COMPLAINED),
    _trigger("profile", parse_profile, "A member's fields changed.",
             EventType.CUSTOMER_UPDATED),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_form,
    topic=lambda request, payload: payload.get("type", ""),
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    handshake=handshake,
    signing_field="webhook_secret",
    acknowledge=Reply(200, b""),
)
