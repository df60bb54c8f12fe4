"""Contacts, journeys and transactional e-mails.

Contacts: https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/contacts-api.html
(changed where they are there, made where they are not). Journeys: `interaction/v1/events`,
where the vendor knows no key against doing it twice. E-mails: the message key is ours, and a
key that was used is refused; then its status tells that it was ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, EmailMessage, JourneyEntry, Scalar, Whom
from connectors.kit.errors import Conflict, InvalidRequest, NotFound
from connectors.kit.redact import without_people
from connectors.kit.values import as_text
from connectors.salesforce.client import text_of

if TYPE_CHECKING:
    from connectors.salesforce.client import SalesforceClient

CONTACTS = "/contacts/v1/contacts"
EVENTS = "/interaction/v1/events"
MESSAGES = "/messaging/v1/email/messages"


def plain(value: Scalar) -> Any:
    """A value as data extensions and attributes take it: whole numbers, text, or null."""
    return value if value is None or type(value) is int else as_text(value)


async def upsert_contact(client: SalesforceClient, job: Job) -> Sent:
    """Changes a contact by its key; makes it where it is new."""
    given: CrmContact = job.input
    member = str(given.properties.get("member_id") or "")
    key = client.key_of(Whom(email=given.email, external_id=member))
    body = {"contactKey": key, "attributeSets": _attributes(client, given)}
    try:
        await client.call("PATCH", CONTACTS, body)
    except (NotFound, InvalidRequest):
        # The vendor's page names no answer for an unknown key; a refusal of the content itself
        # is met a second time here, and told.
        await client.call("POST", CONTACTS, body)
    return Sent(vendor_id=key)


def _attributes(client: SalesforceClient, given: CrmContact) -> list[dict[str, Any]]:
    sets = [_set("Email Addresses", {"Email Address": given.email, "HTML Enabled": True})]
    own: dict[str, Any] = {"FirstName": given.first_name, "LastName": given.last_name}
    own = {name: value for name, value in own.items() if value}
    if given.phone:
        own["Phone"] = given.phone
    own |= {name: plain(value) for name, value in given.properties.items()}
    if client.account.attribute_set and own:
        sets.append(_set(client.account.attribute_set, own))
    return sets


def _set(name: str, values: dict[str, Any]) -> dict[str, Any]:
    pairs = [{"name": field, "value": value} for field, value in values.items()]
    return {"name": name, "items": [{"values": pairs}]}


async def enter_journey(client: SalesforceClient, job: Job) -> Sent:
    """Fires the entry event of a journey for a contact."""
    entry: JourneyEntry = job.input
    if "." in entry.journey:
        raise InvalidRequest("the key of an entry event has no period in it")
    data = {name: plain(value) for name, value in entry.properties.items()}
    if client.account.journey_email_field and entry.email:
        data[client.account.journey_email_field] = entry.email
    body: dict[str, Any] = {
        "ContactKey": client.key_of(entry),
        "EventDefinitionKey": entry.journey,
    }
    if data:
        body["Data"] = data
    reply = await client.call("POST", EVENTS, body)
    return Sent(vendor_id=text_of(reply, "eventInstanceId"))


async def send_email(client: SalesforceClient, job: Job) -> Sent:
    """Sends through the connection's send definition; the texts go along as attributes."""
    mail: EmailMessage = job.input
    definition = client.account.email_definition
    if not definition:
        raise InvalidRequest(
            "no send definition is set: enter its external key as `email_definition` in the "
            "connection's block"
        )
    attributes = {"Subject": mail.subject, "Text": mail.text, "Html": mail.html}
    if mail.to_name:
        attributes["Name"] = mail.to_name
    attributes |= {f"Header_{name.replace('-', '_')}": text for name, text in mail.headers.items()}
    key = str(uuid5(NAMESPACE_URL, job.key))
    recipient = {"contactKey": mail.to.lower(), "to": mail.to, "attributes": attributes}
    body = {"definitionKey": definition, "recipient": recipient}
    try:
        _require_taken(await client.call("POST", f"{MESSAGES}/{key}", body))
    except (InvalidRequest, Conflict):
        if not await _was_sent(client, key):
            raise
    return Sent(vendor_id=key)


def _require_taken(reply: Any) -> None:
    """A 202 may hold the refusal of the one recipient."""
    items = reply.get("responses") if isinstance(reply, dict) else None
    for one in [reply, *(items if isinstance(items, list) else [])]:
        found = one if isinstance(one, dict) else {}
        code = found.get("errorcode") or found.get("errorCode")
        if code:
            says = without_people(str(found.get("message") or "")[:200])
            text = f"Marketing Cloud did not take the e-mail ({code}): {says}"
            raise InvalidRequest(text, vendor_code=str(code)[:20])


async def _was_sent(client: SalesforceClient, key: str) -> bool:
    """Whether a message of this key is there; asked only after a refusal."""
    try:
        reply = await client.call("GET", f"{MESSAGES}/{key}")
    except (NotFound, InvalidRequest):
        return False
    return isinstance(reply, dict) and bool(reply.get("eventCategoryType"))
