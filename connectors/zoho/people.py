"""Contacts and leads: written by their e-mail address, found by what is known of them.

https://www.zoho.com/crm/developer/docs/api/v8/upsert-records.html: up to 100 records in a call,
each answered by itself. A new person needs a last name; an old one must not lose theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Outcome, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange, Properties, Whom
from connectors.kit.errors import Conflict, ConnectorBug, ConnectorError, InvalidRequest, NotFound
from connectors.kit.values import json_value

if TYPE_CHECKING:
    from connectors.zoho.client import ZohoClient

BATCH_SIZE = 100
CONTACTS = "Contacts"
LEADS = "Leads"


class Lead(CrmContact):
    """A lead, found by e-mail, written as upsert."""

    company: str = ""


async def upsert_contact(client: ZohoClient, job: Job) -> Sent:
    """Creates or updates one contact."""
    return _single(await _upserted(client, CONTACTS, [job]))


async def upsert_contacts(client: ZohoClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Creates or updates up to 100 contacts in one call."""
    return await _upserted(client, CONTACTS, jobs)


async def upsert_lead(client: ZohoClient, job: Job) -> Sent:
    """Creates or updates one lead."""
    return _single(await _upserted(client, LEADS, [job]))


async def upsert_leads(client: ZohoClient, jobs: Sequence[Job]) -> Sequence[Outcome]:
    """Creates or updates up to 100 leads in one call."""
    return await _upserted(client, LEADS, jobs)


def _single(outcomes: Sequence[Outcome]) -> Sent:
    (outcome,) = outcomes
    if isinstance(outcome, ConnectorError):
        raise outcome
    return outcome


async def _upserted(client: ZohoClient, module: str, jobs: Sequence[Job]) -> list[Outcome]:
    """The jobs of one address become one record, since a call may name it once."""
    by_address: dict[str, list[int]] = {}
    for place, job in enumerate(jobs):
        by_address.setdefault(job.input.email.lower(), []).append(place)
    merged = [_merged([jobs[place].input for place in places]) for places in by_address.values()]
    found: dict[int, Outcome] = {}
    told = await _written(client, module, merged)
    for places, outcome in zip(by_address.values(), told, strict=True):
        found.update(dict.fromkeys(places, outcome))
        if len(places) > 1 and isinstance(outcome, InvalidRequest):
            # One of them spoils the merged record: alone, each gets its own answer.
            for place in places:
                (found[place],) = await _written(client, module, [jobs[place].input])
    return [found[place] for place in range(len(jobs))]


def _merged(people: Sequence[CrmContact]) -> CrmContact:
    """The last word on each field, as if they had been written in turn."""
    merged = people[0]
    for one in people[1:]:
        said = {name: value for name in type(one).model_fields if (value := getattr(one, name))}
        said["properties"] = {**merged.properties, **one.properties}
        merged = merged.model_copy(update=said)
    return merged


async def _written(
    client: ZohoClient, module: str, people: Sequence[CrmContact]
) -> Sequence[Outcome]:
    records: list[dict[str, Any] | InvalidRequest] = [_record_or_error(one) for one in people]
    first = await _sent(client, module, records)
    nameless = [
        place
        for place, outcome in enumerate(first)
        if isinstance(outcome, ConnectorError)
        and outcome.vendor_code == "MANDATORY_NOT_FOUND"
        and not people[place].last_name
    ]
    if nameless:
        named = [_named(records[place]) for place in nameless]
        again = await _sent(client, module, named)
        for place, outcome in zip(nameless, again, strict=True):
            first[place] = outcome
    return first


async def _sent(
    client: ZohoClient, module: str, records: Sequence[dict[str, Any] | InvalidRequest]
) -> list[Outcome]:
    good = [one for one in records if isinstance(one, dict)]
    try:
        told = iter(await client.upsert(module, good, "Email") if good else ())
    except (InvalidRequest, Conflict, NotFound) as error:
        if len(good) == 1:
            told = iter([error])
        else:
            # Refused as a whole: alone, each record gets its own answer.
            told = iter([await _alone(client, module, one) for one in good])
    return [one if isinstance(one, InvalidRequest) else _outcome(next(told)) for one in records]


async def _alone(client: ZohoClient, module: str, record: dict[str, Any]) -> str | ConnectorError:
    try:
        (outcome,) = await client.upsert(module, [record], "Email")
    except (InvalidRequest, Conflict, NotFound) as error:
        return error
    return outcome


def _outcome(told: str | ConnectorError) -> Outcome:
    return told if isinstance(told, ConnectorError) else Sent(vendor_id=told)


def _record_or_error(person: CrmContact) -> dict[str, Any] | InvalidRequest:
    known = {
        "Phone": person.phone,
        "First_Name": person.first_name,
        "Last_Name": person.last_name,
        "Company": person.company if isinstance(person, Lead) else "",
    }
    try:
        given = fields(person.properties)
    except InvalidRequest as error:
        return error
    return {**{name: text for name, text in known.items() if text}, **given, "Email": person.email}


def _named(record: dict[str, Any] | InvalidRequest) -> dict[str, Any] | InvalidRequest:
    """With the address as the last name, which a new record must have."""
    if isinstance(record, InvalidRequest):
        return record
    return {**record, "Last_Name": str(record["Email"])[:80]}


def fields(properties: Properties) -> dict[str, Any]:
    """Properties as Zoho takes them: it refuses text where a field holds a number.

    Raises:
        InvalidRequest: A number has more digits than JSON's numbers keep.
    """
    return {name: json_value(value, name) for name, value in properties.items()}


# --- somebody who is there -------------------------------------------------------------------


async def contact_id(client: ZohoClient, whom: Whom) -> str:
    """The contact's id: as given, else by e-mail, by telephone, or by the member's id.

    Raises:
        NotFound: The CRM has no such contact.
        Conflict: Two contacts fit, and nothing says which one is meant.
    """
    if whom.customer_id:
        return _digits(whom.customer_id)
    questions = []
    if whom.email:
        questions.append({"email": whom.email})
    if whom.phone:
        questions.append({"phone": whom.phone})
    member_field = client.account.member_field
    if whom.external_id and member_field:
        escaped = "".join(f"\\{mark}" if mark in "(),\\" else mark for mark in whom.external_id)
        questions.append({"criteria": f"({member_field}:equals:{escaped})"})
    for question in questions:
        found = await client.search(CONTACTS, **question)
        if len(found) > 1:
            raise Conflict("Zoho has several contacts with this address or number: merge them")
        for one in found:
            if not isinstance(one, dict) or not one.get("id"):
                raise ConnectorBug("Zoho's contact has no id")
            return str(one["id"])
    raise NotFound("Zoho has no contact with this address, number or member id")


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        raise InvalidRequest("a contact's id at Zoho is a number")
    return text


async def update_customer(client: ZohoClient, job: Job) -> Sent:
    """Changes the tags and fields of a contact; doing it twice changes nothing."""
    change: CustomerChange = job.input
    given = fields(change.fields)
    found = await contact_id(client, change)
    if given:
        await client.update(CONTACTS, {**given, "id": found})
    if change.add_tags:
        await client.tag(CONTACTS, found, change.add_tags, add=True)
    if change.remove_tags:
        await client.tag(CONTACTS, found, change.remove_tags, add=False)
    return Sent(vendor_id=found)
