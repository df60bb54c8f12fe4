"""Intercom's webhook notifications.

https://developers.intercom.com/docs/references/2.16/webhooks/webhook-models: `sha1=` and the hex
of an HMAC-SHA1 over the body, by the app's client secret. What happened stands in the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import (
    Contact,
    Id,
    Instant,
    Items,
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
    Parse,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_hex,
    require_match,
    signing_secrets,
)
from loyalty.events import (
    Activity,
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    MessageReport,
    subject_of,
)

SIGNATURE = "X-Hub-Signature"


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the app's secret did not sign, and what is of another workspace."""
    secrets = signing_secrets(account.client_secret)
    expected = [f"sha1={hmac_hex(secret, request.body, 'sha1')}" for secret in secrets]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)
    if account.workspace_id:
        try:
            payload = decode_json(request.body)
        except Unreadable:
            return  # it is reported as unreadable where it is read
        if isinstance(payload, dict) and payload.get("app_id") != account.workspace_id:
            raise BadSignature("the notification is of another workspace than this connection's")


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Intercom proves a notification."""
    return {SIGNATURE.lower(): f"sha1={hmac_hex(account.client_secret, request.body, 'sha1')}"}


# --- what stands in them ---------------------------------------------------------------------


def _unix(value: Any) -> Any:
    """Times are Unix seconds, in some objects ISO 8601; zero is none."""
    if type(value) is int:
        return datetime.fromtimestamp(value, UTC) if 0 < value < 2**33 else None
    return value or None


Moment = Annotated[Instant | None, BeforeValidator(_unix)]


class Person(VendorModel):
    """A contact; the author of a conversation has some of its fields."""

    id: Id
    role: Text = ""
    email: Contact = None
    phone: Contact = None
    name: Text = ""
    created_at: Moment = None
    unsubscribed: bool | None = Field(None, alias="unsubscribed_from_emails")

    def customer(self) -> Customer:
        first, _, last = self.name.partition(" ")
        # That somebody may be mailed says nothing of what they want; that they left does.
        left = {Channel.EMAIL: ConsentState.WITHDRAWN} if self.unsubscribed else {}
        return Customer(
            id=self.id,
            email=self.email,
            phone=self.phone,
            first_name=first,
            last_name=last,
            created_at=self.created_at,
            consents=left,
        )


class Tag(VendorModel):
    id: OptionalId = None
    name: Text = ""


class Tagging(VendorModel):
    tag: Tag
    contact: Person


class Author(VendorModel):
    type: Text = ""
    id: OptionalId = None
    email: Contact = None


class Message(VendorModel):
    author: Maybe[Author] = None


class Participant(VendorModel):
    id: Id


class Participants(VendorModel):
    contacts: Items[Participant] = ()


class Conversation(VendorModel):
    id: Id
    contacts: Maybe[Participants] = None
    source: Maybe[Message] = None

    def person(self) -> Customer | None:
        """Who began it; of several contacts the first."""
        author = self.source.author if self.source else None
        by_contact = author is not None and author.type in ("user", "lead", "contact")
        if self.contacts and self.contacts.contacts:
            one = self.contacts.contacts[0]
            is_author = author is not None and by_contact and author.id == one.id
            return Customer(id=one.id, email=author.email if author and is_author else None)
        if author and by_contact and author.id:
            return Customer(id=author.id, email=author.email)
        return None


class Notification(VendorModel):
    """The envelope, whose id stays the same when it is sent again."""

    id: Annotated[Id, Field(max_length=100)]
    created_at: Moment = None
    first_sent_at: Moment = None
    data: dict[str, Any]

    @property
    def time(self) -> datetime:
        return first_time((self.created_at, self.first_sent_at), "the notification")

    def item(self, kind: str) -> Any:
        """What it is about, where that is of the kind that the topic says."""
        found = self.data.get("item")
        if not isinstance(found, dict) or found.get("type") != kind:
            raise Unreadable(f"the notification holds no {kind}")
        return found


def parse_created(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """contact.user.created, and a lead who became a user: somebody is known from now on."""
    found = read(Notification, payload)
    person = read(Person, found.item("contact"))
    who = person.customer()
    when = person.created_at or found.time
    return [_event(EventType.CUSTOMER_CREATED, person.id, when, who, who, source)]


def parse_updated(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """contact.user.updated: each is a fact of its own."""
    found = read(Notification, payload)
    who = read(Person, found.item("contact")).customer()
    key = f"{who.id}:{found.id}"[:200]
    return [_event(EventType.CUSTOMER_UPDATED, key, found.time, who, who, source)]


def parse_unsubscribed(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """contact.unsubscribed: from e-mail; a contact without an address can be told of to nobody."""
    found = read(Notification, payload)
    person = read(Person, found.item("contact"))
    if person.email is None:
        return []
    report = MessageReport(channel=Channel.EMAIL, address=person.email, detail="unsubscribed")
    kind = EventType.MESSAGE_UNSUBSCRIBED
    return [_event(kind, found.id, found.time, person.customer(), report, source)]


def _parse_tag(name: str) -> Parse:
    def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
        found = read(Notification, payload)
        given = read(Tagging, found.item("contact_tag"))
        ref = given.tag.name[:200] or given.tag.id
        if not ref:
            return []
        return [_activity(found, name, ref, given.contact.customer(), source)]

    return parse


def _parse_conversation(name: str) -> Parse:
    def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
        found = read(Notification, payload)
        about = read(Conversation, found.item("conversation"))
        who = about.person()
        return [] if who is None else [_activity(found, name, about.id, who, source)]

    return parse


def _activity(found: Notification, name: str, ref: str, who: Customer, source: Source) -> Event:
    done = Activity(name=name, ref=ref, customer=who)
    return _event(EventType.ACTIVITY_REPORTED, found.id, found.time, who, done, source)


def _event(
    kind: EventType, key: str, when: datetime, who: Customer, data: Any, source: Source
) -> Event:  # fmt: skip
    subject = subject_of(source.store, who, key)
    return Event(type=kind, store=source.store, key=key, time=when, subject=subject, data=data)


def _trigger(topic: str, kind: EventType, title: str, parse: Parse) -> Trigger:
    sample = f"{topic.replace('.', '_')}.json"
    return Trigger(vendor_event=topic, event_types=(kind,), title=title, parse=parse, sample=sample)


_DONE = EventType.ACTIVITY_REPORTED
_ALL = (
    _trigger(
        "contact.user.created", EventType.CUSTOMER_CREATED, "A user was created.", parse_created
    ),
    _trigger(
        "contact.lead.signed_up", EventType.CUSTOMER_CREATED, "A lead became a user.", parse_created
    ),
    _trigger(
        "contact.user.updated", EventType.CUSTOMER_UPDATED, "A user was changed.", parse_updated
    ),
    _trigger(
        "contact.unsubscribed",
        EventType.MESSAGE_UNSUBSCRIBED,
        "A contact unsubscribed from e-mail.",
        parse_unsubscribed,
    ),
    _trigger("contact.user.tag.created", _DONE, "A user was tagged.", _parse_tag("contact.tagged")),
    _trigger(
        "contact.user.tag.deleted", _DONE, "A user was untagged.", _parse_tag("contact.untagged")
    ),
    _trigger(
        "conversation.user.created",
        _DONE,
        "A contact began a conversation.",
        _parse_conversation("conversation.started"),
    ),
    _trigger(
        "conversation.rating.added",
        _DONE,
        "A contact rated a conversation.",
        _parse_conversation("conversation.rated"),
    ),
)


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The body's own topic; `ping` is none of ours and acknowledged."""
    found = payload.get("topic") if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""


def _delivery(request: InboundRequest, payload: Any) -> str | None:
    found = payload.get("id") if isinstance(payload, dict) else None
    return found[:200] if isinstance(found, str) else None


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_delivery,
    signing_field="client_secret",
)
