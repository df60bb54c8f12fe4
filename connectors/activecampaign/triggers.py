"""ActiveCampaign's webhooks: forms that nobody signs.

https://developers.activecampaign.com/page/webhooks. What proves them is a word in the address
that only the account and the hub know; it says nothing of the body. So whatever could earn
points (a subscription, a change) only rings, and the poll asks the API. Told directly is what
can only take away: somebody unsubscribed, an address bounced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from connectors.activecampaign.payloads import HookForm
from connectors.kit.payload import Instant, VendorModel, read
from connectors.kit.webhook import (
    InboundRequest,
    Parse,
    Proof,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    no_events,
    require_secret,
)
from loyalty.events import Channel, Customer, Event, EventType, MessageReport, subject_of

MAX_FIELDS = 2_000


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what does not come with the word in the address."""
    require_secret(request.query.get("token"), account.hook_token, "the token in the address")


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """No header proves anything here: the address does."""
    return {}


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


class _Moment(VendorModel):
    at: Instant


def _when(found: HookForm, request: InboundRequest) -> datetime:
    """Its own time where it names an offset; the older format leaves the zone open."""
    try:
        return _Moment.model_validate({"at": found.date_time}).at
    except ValidationError:
        return request.received_at


def _stamp(found: HookForm) -> str:
    """Its time in one spelling, the same at every redelivery."""
    try:
        return _Moment.model_validate({"at": found.date_time}).at.isoformat()
    except ValidationError:
        return found.date_time[:40]


def unsubscribed(
    store: str, contact: str, email: str, *, list_id: str, stamp: str, when: datetime
) -> Event:
    """Somebody left a list: one fact, whether the webhook or the poll tells it."""
    who = Customer(id=contact, email=email)
    return Event(
        type=EventType.MESSAGE_UNSUBSCRIBED,
        store=store,
        key=f"{contact}:{list_id or 'all'}:unsubscribed:{stamp}",
        time=when,
        subject=subject_of(store, who, contact),
        data=MessageReport(
            channel=Channel.EMAIL, address=email, detail=f"list {list_id or 'all'}", permanent=True
        ),
    )


def parse_unsubscribe(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """unsubscribe. Without an address there is nobody to leave alone."""
    found = read(HookForm, payload)
    if found.email is None:
        return []
    return [
        unsubscribed(
            source.store, found.contact, found.email,
            list_id=found.list or "", stamp=_stamp(found), when=_when(found, request),
        )
    ]  # fmt: skip


def parse_bounce(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """bounce. Only a hard one says that the address is no good."""
    found = read(HookForm, payload)
    if found.email is None:
        return []
    kind = found.bounce_type.lower()
    data = MessageReport(
        channel=Channel.EMAIL, address=found.email, detail=kind, permanent=kind == "hard"
    )
    who = Customer(id=found.contact, email=found.email)
    return [
        Event(
            type=EventType.MESSAGE_BOUNCED,
            store=source.store,
            key=f"{found.contact}:bounced:{_stamp(found)}",
            time=_when(found, request),
            subject=subject_of(source.store, who, found.contact),
            data=data,
        )
    ]


def _bell(topic: str, title: str) -> Trigger:
    return Trigger(
        vendor_event=topic, event_types=(), title=title, parse=no_events, sample=f"{topic}.txt",
        rings=True,
    )  # fmt: skip


def _told(topic: str, parse: Parse, title: str, *types: EventType) -> Trigger:
    return Trigger(
        vendor_event=topic, event_types=types, title=title, parse=parse, sample=f"{topic}.txt"
    )


_ALL = (
    _bell("subscribe", "Somebody subscribed to a list."),
    _bell("update", "A contact's record changed."),
    _bell("contact_tag_added", "A contact got a tag."),
    _bell("contact_tag_removed", "A contact lost a tag."),
    _told(
        "unsubscribe",
        parse_unsubscribe,
        "Somebody unsubscribed from a list.",
        EventType.MESSAGE_UNSUBSCRIBED,
    ),
    _told("bounce", parse_bounce, "An e-mail came back.", EventType.MESSAGE_BOUNCED),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_form,
    topic=lambda request, payload: payload.get("type", ""),
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=lambda account: {"token": account.hook_token.get_secret_value()},
)
