"""Segment's webhook destination: what sources tell of people.

https://segment.com/docs/connections/destinations/catalog/webhooks/: hex of an HMAC-SHA1 over
the body. Of a batch Segment signs the first message alone, so a list is taken only where its
signature covers all that stands in it: one message. What the hub itself wrote is not heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import (
    Contact,
    Country,
    Instant,
    Maybe,
    OptionalId,
    Text,
    VendorModel,
    first_time,
    read,
)
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Source,
    Trigger,
    Webhook,
    decode_json,
    hmac_hex,
    require_match,
    signing_secrets,
)
from connectors.segment.messages import LIBRARY
from loyalty.events import Activity, Customer, Erasure, Event, EventType, subject_of

SIGNATURE = "X-Signature"


def _signed(body: bytes) -> bytes:
    """What the signature of a body is over: of a list, what stands between its brackets."""
    plain = body.strip()
    return plain[1:-1].strip() if plain[:1] == b"[" and plain[-1:] == b"]" else body


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the destination's secret did not sign from its first byte to its last."""
    (secret,) = signing_secrets(account.shared_secret)
    content = _signed(request.body)
    try:
        require_match(request.headers.get(SIGNATURE.lower()), [hmac_hex(secret, content, "sha1")],
                      SIGNATURE)  # fmt: skip
    except BadSignature as error:
        if content is request.body:
            raise
        raise BadSignature(
            f"{error}; Segment signs only the first message of a batch: set the destination's "
            "batch size to 1"
        ) from None


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Segment proves a webhook."""
    return {SIGNATURE.lower(): hmac_hex(account.shared_secret, _signed(request.body), "sha1")}


def decode(body: bytes) -> Any:
    """The message; one that comes as a list of one is taken out of it."""
    found = decode_json(body)
    return found[0] if isinstance(found, list) and len(found) == 1 else found


# --- what stands in them ---------------------------------------------------------------------


def _day(value: Any) -> date | None:
    with suppress(ValueError):
        found = date.fromisoformat(value[:10]) if isinstance(value, str) else None
        return found if found and found.year > 1900 else None
    return None


def _lenient(value: Any) -> Any:
    """Traits may be anything: what is no text says nothing."""
    return value if isinstance(value, str) else ""


def _or_none(value: Any) -> Any:
    return value if isinstance(value, dict) else None


Word = Annotated[Text, BeforeValidator(_lenient)]


class Address(VendorModel):
    country: Annotated[Country, BeforeValidator(_lenient)] = ""


class Traits(VendorModel):
    email: Annotated[Contact, BeforeValidator(_lenient)] = None
    phone: Annotated[Contact, BeforeValidator(_lenient)] = None
    first_name: Word = Field("", alias="firstName")
    last_name: Word = Field("", alias="lastName")
    name: Word = ""
    birthday: Annotated[date | None, BeforeValidator(_day)] = None
    address: Annotated[Address | None, BeforeValidator(_or_none)] = None


class Library(VendorModel):
    name: Word = ""


class Context(VendorModel):
    library: Annotated[Library | None, BeforeValidator(_or_none)] = None
    traits: Annotated[Traits | None, BeforeValidator(_or_none)] = None


class Message(VendorModel):
    """Any call, as the spec has them in common."""

    message_id: Text = Field("", alias="messageId")
    user_id: OptionalId = Field(None, alias="userId")
    event: Text = ""
    timestamp: Instant | None = None
    received_at: Instant | None = Field(None, alias="receivedAt")
    traits: Maybe[Traits] = None
    context: Maybe[Context] = None

    @property
    def is_our_own(self) -> bool:
        """Whether the hub wrote it."""
        library = self.context.library if self.context else None
        return library is not None and library.name == LIBRARY

    def person(self, about: Traits | None) -> Customer:
        """Whom it is about; traits of the context are of the person as well."""
        known = about or (self.context.traits if self.context else None) or Traits()
        first, _, last = known.name.partition(" ")
        return Customer(
            id=self.user_id,
            email=known.email,
            phone=known.phone,
            first_name=known.first_name or ("" if known.last_name else first),
            last_name=known.last_name or ("" if known.first_name else last),
            birthday=known.birthday,
            country=known.address.country if known.address else "",
        )


def parse_identify(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """identify: what is known of a person; each is a fact of its own."""
    found = read(Message, payload)
    who = found.person(found.traits)
    return _told(EventType.CUSTOMER_UPDATED, found, who, who, request, source)


def parse_track(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """track: something a person did, under the event's own name."""
    found = read(Message, payload)
    who, name = found.person(None), found.event[:200].strip()
    if not name:
        return []
    done = Activity(name=name, ref=_key(found, request), customer=who)
    return _told(EventType.ACTIVITY_REPORTED, found, who, done, request, source)


def parse_delete(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """delete: somebody asked the workspace's owner to be forgotten."""
    found = read(Message, payload)
    who = found.person(found.traits)
    return _told(EventType.MEMBER_ERASED, found, who, Erasure(customer=who), request, source)


def _told(
    kind: EventType,
    found: Message,
    who: Customer,
    data: Any,
    request: InboundRequest,
    source: Source,
) -> Sequence[Event]:
    if found.is_our_own or who.is_anonymous:
        return []
    key = _key(found, request)
    return [
        Event(
            type=kind,
            store=source.store,
            key=key,
            time=first_time((found.timestamp, found.received_at), "the message"),
            subject=subject_of(source.store, who, key),
            data=data,
        )
    ]


def _key(found: Message, request: InboundRequest) -> str:
    """The message's id; without one, its body's, which a repeat has as well."""
    if 0 < len(found.message_id) <= 150:
        return found.message_id
    return f"body-{sha256(_signed(request.body)).hexdigest()[:32]}"


# --- the declaration -------------------------------------------------------------------------

_ALL = (
    Trigger(
        vendor_event="identify",
        event_types=(EventType.CUSTOMER_UPDATED,),
        title="A source wrote a person's traits.",
        parse=parse_identify,
        sample="identify.json",
    ),
    Trigger(
        vendor_event="track",
        event_types=(EventType.ACTIVITY_REPORTED,),
        title="A source recorded what a person did.",
        parse=parse_track,
        sample="track.json",
    ),
    Trigger(
        vendor_event="delete",
        event_types=(EventType.MEMBER_ERASED,),
        title="A person is to be forgotten.",
        parse=parse_delete,
        sample="delete.json",
    ),
)


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The message's own type."""
    found = payload.get("type") if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""


def _delivery(request: InboundRequest, payload: Any) -> str | None:
    found = payload.get("messageId") if isinstance(payload, dict) else None
    return found[:200] if isinstance(found, str) else None


WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=topic_of,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_delivery,
    signing_field="shared_secret",
)
