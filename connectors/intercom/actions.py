"""What the hub does at Intercom: contacts, tags, events, in-app messages.

https://developers.intercom.com/docs/references/2.16/rest-api/api.intercom.io/contacts and
.../data-events: of the same event of the same person at the same second Intercom keeps one.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from connectors.intercom.client import CONTACT_ID, Record, id_of
from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import (
    CrmContact,
    CustomerChange,
    ListMembership,
    Properties,
    PushMessage,
    TrackedEvent,
    Whom,
)
from connectors.kit.errors import Conflict, InvalidRequest, NotFound
from connectors.kit.values import as_text, json_value_or_text

if TYPE_CHECKING:
    from connectors.intercom.client import IntercomClient

MAX_METADATA = 10
"""Intercom ignores further keys."""


# --- contacts --------------------------------------------------------------------------------


async def upsert_contact(client: IntercomClient, job: Job) -> Sent:
    """Writes what is known of a person, and makes them a user where they are new."""
    given: CrmContact = job.input
    properties = dict(given.properties)
    member = str(properties.pop(client.account.member_property, None) or "")[:150]
    whom = Whom(email=given.email, external_id=member)
    body: Record = {"email": given.email}
    if name := " ".join(part for part in (given.first_name, given.last_name) if part):
        body["name"] = name
    if given.phone:
        body["phone"] = given.phone
    if member:
        body["external_id"] = member
    if properties:
        body["custom_attributes"] = _attributes(properties)
    found = await client.contact_of(whom)
    if found is None:
        try:
            return Sent(vendor_id=id_of(await client.write_contact({"role": "user", **body})))
        except Conflict:
            # Somebody made the same contact at this moment, or the search lags behind.
            found = await client.contact_of(whom)
            if found is None:
                raise
    return Sent(vendor_id=id_of(await client.write_contact(_kept(body, found), id_of(found))))


def _kept(body: Record, found: Record) -> Record:
    """An external id that somebody else gave is theirs, and leads have none."""
    if found.get("external_id") or found.get("role") != "user":
        return {name: value for name, value in body.items() if name != "external_id"}
    return body


async def change_contact(client: IntercomClient, job: Job) -> Sent:
    """Adds and removes tags, sets and clears custom attributes."""
    change: CustomerChange = job.input
    identity = id_of(await client.known_contact(change))
    if change.fields:
        await client.write_contact({"custom_attributes": _attributes(change.fields)}, identity)
    await _tag(client, identity, change.add_tags)
    await _untag(client, identity, change.remove_tags)
    return Sent(vendor_id=identity)


async def set_tag(client: IntercomClient, job: Job) -> Sent:
    """A list is a tag: puts it on a contact, or takes it off."""
    given: ListMembership = job.input
    identity = id_of(await client.known_contact(given))
    if given.is_member:
        await _tag(client, identity, (given.list,))
    else:
        await _untag(client, identity, (given.list,))
    return Sent(vendor_id=identity)


async def _tag(client: IntercomClient, contact_id: str, names: tuple[str, ...]) -> None:
    for name in names:
        await client.attach(contact_id, await client.tag_id(name))


async def _untag(client: IntercomClient, contact_id: str, names: tuple[str, ...]) -> None:
    if not names:
        return
    there = await client.tags_of(contact_id)
    for name in names:
        tag = there.get(name.strip().casefold())
        if tag is None:
            continue
        try:
            await client.detach(contact_id, tag)
        except NotFound:
            continue  # somebody took it off at this moment


# --- events and messages ---------------------------------------------------------------------


async def track_event(client: IntercomClient, job: Job) -> Sent:
    """Records what a person did. Only who is a contact already can have events."""
    event: TrackedEvent = job.input
    if not (event.email or event.phone or event.external_id):
        raise InvalidRequest("Intercom needs a member id, an e-mail or a telephone number")
    body: Record = {"event_name": event.name, "created_at": int(event.time.timestamp())}
    if metadata := _metadata(event):
        body["metadata"] = metadata
    if event.external_id:
        try:
            await client.record_event({**body, "user_id": event.external_id})
            return Sent()
        except NotFound:
            if not (event.email or event.phone):
                raise
    whom = Whom(email=event.email, phone=event.phone[:16], external_id=event.external_id)
    await client.record_event({**body, "id": id_of(await client.known_contact(whom))})
    return Sent()


def _metadata(event: TrackedEvent) -> dict[str, str]:
    """The published schema takes texts alone."""
    found = {"value": event.value} if event.value is not None else {}
    told = {**found, **event.properties}
    texts = {name: as_text(value) for name, value in told.items() if value is not None}
    return dict(list(texts.items())[:MAX_METADATA])


async def send_message(client: IntercomClient, job: Job) -> Sent:
    """Writes to one person in the Messenger, in a teammate's name."""
    message: PushMessage = job.input
    if message.kind != "push":
        raise InvalidRequest("Intercom's messages are written by the hub: use the kind push")
    is_address = "@" in message.to
    if not (is_address or CONTACT_ID.fullmatch(message.to)):
        raise InvalidRequest("an Intercom message goes to a contact's id or an e-mail address")
    whom = Whom(email=message.to) if is_address else Whom(customer_id=message.to)
    contact = await client.known_contact(whom)
    role = "lead" if contact.get("role") == "lead" else "user"
    sent = await client.send_message(
        {
            "message_type": "in_app",
            # It is read as HTML, in which a lesser-than sign would swallow what follows.
            "body": escape(message.text, quote=False) if "<" in message.text else message.text,
            "from": {"type": "admin", "id": await client.admin()},
            "to": {"type": role, "id": id_of(contact)},
        }
    )
    return Sent(vendor_id=id_of(sent))


# --- values ----------------------------------------------------------------------------------


def _attributes(properties: Properties) -> dict[str, Any]:
    return {name: json_value_or_text(value) for name, value in properties.items()}


# --- the declarations ------------------------------------------------------------------------

UPSERT_CONTACT = Action(
    name="upsert_contact",
    title="Create or update a contact.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_contact,
    capability=Capability.CRM,
    sample="upsert_contact.response.json",
    scopes=("Read and list users and companies", "Write users and companies"),
)

CHANGE_CONTACT = Action(
    name="change_contact",
    title="Change a contact's tags and custom attributes.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_contact,
    capability=Capability.CUSTOMER,
    sample="change_contact.response.json",
    scopes=("Read and list users and companies", "Write users and companies", "Write tags"),
)

SET_TAG = Action(
    name="set_tag",
    title="Tag a contact or untag them.",
    input=ListMembership,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=set_tag,
    capability=Capability.LIST,
    sample="set_tag.response.json",
    scopes=("Read and list users and companies", "Write tags"),
)

TRACK_EVENT = Action(
    name="track_event",
    title="Record what a person did.",
    input=TrackedEvent,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=track_event,
    capability=Capability.TRACK,
    sample="track_event.response.txt",
    scopes=("Read and list users and companies", "Write events"),
)

SEND_MESSAGE = Action(
    name="send_message",
    title="Send an in-app message to one person.",
    input=PushMessage,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=send_message,
    capability=Capability.PUSH,
    gated=True,
    sample="send_message.response.json",
    scopes=("Read and list users and companies", "Write conversations"),
)

ACTIONS: tuple[Action, ...] = (
    UPSERT_CONTACT,
    CHANGE_CONTACT,
    SET_TAG,
    TRACK_EVENT,
    SEND_MESSAGE,
)
