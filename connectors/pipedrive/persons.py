"""Persons: found by what is known of them, made where there is none, changed.

https://developers.pipedrive.com/docs/api/v1/Persons. Telephone numbers are a list, and writing
it replaces it: a new number goes in front of those that are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange, Whom
from connectors.kit.errors import Conflict, ConnectorBug, InvalidRequest, NotFound
from connectors.pipedrive.fields import LABELS, body_of, code_of, labels

if TYPE_CHECKING:
    from connectors.pipedrive.client import PipedriveClient


async def upsert_contact(client: PipedriveClient, job: Job) -> Sent:
    """Creates a person, or updates the one with this e-mail address."""
    contact: CrmContact = job.input
    body = await body_of(client, contact.properties)
    name = f"{contact.first_name} {contact.last_name}".strip()
    found = await _by_email(client, contact.email)
    if found is None:
        body["name"] = name or contact.email
        body["emails"] = [{"value": contact.email, "primary": True, "label": "work"}]
        if contact.phone:
            body["phones"] = [_phone(contact.phone)]
        return Sent(vendor_id=str(await client.write_person(body)))
    if name:
        body["name"] = name
    if contact.phone:
        body |= _with_phone(await client.person(found), contact.phone)
    if body:
        await client.write_person(body, found)
    return Sent(vendor_id=str(found))


async def update_customer(client: PipedriveClient, job: Job) -> Sent:
    """Changes the labels and custom fields of a person who is there already."""
    change: CustomerChange = job.input
    body = await body_of(client, change.fields)
    added, removed = await labels(client, change.add_tags), await labels(client, change.remove_tags)
    person_id = await person_of(client, change)
    if added or removed:
        held = list((await client.person(person_id)).get(LABELS) or ())
        wanted = [one for one in held if one not in removed]
        wanted += [one for one in added if one not in wanted]
        if wanted != held:
            body[LABELS] = wanted
    if body:
        await client.write_person(body, person_id)
    return Sent(vendor_id=str(person_id))


async def person_of(client: PipedriveClient, whom: Whom) -> int:
    """The person's id: as given, else by e-mail, telephone, or the member's id.

    Raises:
        NotFound: The company has no such person.
        Conflict: Several persons fit, and nothing says which one is meant.
    """
    if whom.customer_id:
        return _number(whom.customer_id)
    if whom.email and (found := await _by_email(client, whom.email)) is not None:
        return found
    if whom.phone and (found := await _only(client, whom.phone, "phone")) is not None:
        return found
    if whom.external_id and client.account.member_field:
        code = await code_of(client, client.account.member_field)
        for one in await client.search(whom.external_id, "custom_fields"):
            person = await client.person(_id_of(one))
            held = person.get("custom_fields")
            if isinstance(held, dict) and str(held.get(code)) == whom.external_id:
                return _id_of(one)
    raise NotFound("Pipedrive has no person with this address, number or member id")


async def _by_email(client: PipedriveClient, email: str) -> int | None:
    return await _only(client, email, "email")


async def _only(client: PipedriveClient, term: str, field: str) -> int | None:
    """The one person found; several are for a person of the team to merge."""
    found = {_id_of(one) for one in await client.search(term, field)}
    if len(found) > 1:
        raise Conflict(f"Pipedrive has several persons with this {field}: merge them in Pipedrive")
    return next(iter(found), None)


def _id_of(item: Any) -> int:
    identity = item.get("id") if isinstance(item, dict) else None
    if type(identity) is not int:
        raise ConnectorBug("Pipedrive's search result has no id")
    return identity


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidRequest("a person's id at Pipedrive is a number")
    return int(text)


def _phone(value: str) -> dict[str, Any]:
    return {"value": value, "primary": True, "label": "mobile"}


def _with_phone(person: Mapping[str, Any], value: str) -> dict[str, Any]:
    held = [one for one in person.get("phones") or () if isinstance(one, dict)]
    if any(_digits(one.get("value")) == _digits(value) for one in held):
        return {}
    return {"phones": [_phone(value), *({**one, "primary": False} for one in held)]}


def _digits(value: Any) -> str:
    return "".join(letter for letter in str(value) if letter.isdigit())
