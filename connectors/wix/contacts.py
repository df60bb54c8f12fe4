"""Finding contacts, and changing their labels and custom fields.

https://dev.wix.com/docs/rest/crm/members-contacts/contacts/contacts/label-contact and
update-contact, which asks for the revision that was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CustomerChange, Scalar, Whom
from connectors.kit.errors import ConnectorBug, NotFound
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.wix.client import WixClient


async def contact_id_of(client: WixClient, whom: Whom) -> str:
    """Wix's id of a person: as given, else found by e-mail, then by telephone.

    Raises:
        NotFound: The site has no such contact.
    """
    if whom.customer_id:
        return whom.customer_id
    for attribute, value in (("info.emails.email", whom.email), ("info.phones.phone", whom.phone)):
        if value:
            for found in await client.contacts(attribute, value):
                if isinstance(found, dict) and isinstance(found.get("id"), str):
                    return str(found["id"])
    raise NotFound("the site has no contact with this e-mail or telephone number")


async def update_contact(client: WixClient, job: Job) -> Sent:
    """Gives and takes labels, writes and clears custom fields; each made where it is missing."""
    change: CustomerChange = job.input
    owner = await contact_id_of(client, change)
    if change.fields:
        await _write_fields(client, owner, change)
    if change.add_tags:
        keys = [await client.label(tag) for tag in change.add_tags]
        await client.set_labels(owner, keys, given=True)
    if change.remove_tags:
        keys = [await client.label(tag) for tag in change.remove_tags]
        await client.set_labels(owner, keys, given=False)
    return Sent(vendor_id=owner)


async def _write_fields(client: WixClient, owner: str, change: CustomerChange) -> None:
    contact = await client.contact(owner)
    revision = contact.get("revision")
    if type(revision) is not int:
        raise ConnectorBug("Wix's contact has no revision")
    # Whether fields that are not sent are kept is not documented, so all custom ones are sent.
    items = {name: value for name, value in _fields(contact).items() if name.startswith("custom.")}
    before = dict(items)
    for name, value in change.fields.items():
        items[await client.field(name)] = _text(value)
    items = {name: value for name, value in items.items() if value or name in before}
    if items != before:
        await client.write_contact(owner, revision, {"extendedFields": {"items": items}})


def _fields(contact: dict[str, Any]) -> dict[str, Any]:
    extended = (contact.get("info") or {}).get("extendedFields")
    items = extended.get("items") if isinstance(extended, dict) else None
    return items if isinstance(items, dict) else {}


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return as_text(value)
