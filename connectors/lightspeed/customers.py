"""Finding, creating and changing customers, and the group they are in.

https://x-series-api.lightspeedhq.com/reference/updatecustomerbyid. Whether it keeps what is not
sent is not documented, so the whole record is sent back with the changes in it; consents and
loyalty membership of somebody who is there stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, ListMembership, Scalar, Whom
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.lightspeed.client import LightspeedClient

ADDRESS = ("address_1", "address_2", "suburb", "city", "postcode", "state", "country_id")
PLAIN = ("customer_code", "company_name", "note", "gender", "date_of_birth", "phone", "mobile",
         "fax", "twitter", "website")  # fmt: skip
WRITABLE = frozenset(
    {"first_name", "last_name", "customer_group_id", "enable_loyalty", "email", "do_not_email",
     "enable_promotional_sms", "custom_field_1", "custom_field_2", "custom_field_3",
     "custom_field_4", "tax_id", *PLAIN}
    | {f"{kind}_{part}" for kind in ("physical", "postal") for part in ADDRESS}
)  # fmt: skip
"""What a customer's record takes; the rest of it is the vendor's own."""


async def upsert_customer(client: LightspeedClient, job: Job) -> Sent:
    """Writes the person with this e-mail address, or creates them."""
    contact: CrmContact = job.input
    changes = _changes(client, contact)
    there = await _found(client, "email", contact.email)
    if there is None:
        fresh = {"first_name": contact.first_name or None, "last_name": contact.last_name or None}
        made = await client.write_customer({**fresh, "enable_loyalty": True, **changes})
        return Sent(vendor_id=_id(made))
    kept = {name: value for name, value in there.items() if name in WRITABLE}
    kept = {name: value for name, value in kept.items() if value is not None}
    names = {name: there.get(name) for name in ("first_name", "last_name")}
    written = await client.write_customer({**names, **kept, **changes}, _id(there))
    return Sent(vendor_id=_id(written))


def _changes(client: LightspeedClient, contact: CrmContact) -> dict[str, Any]:
    changes: dict[str, Any] = {"email": contact.email}
    given = {"first_name": contact.first_name, "last_name": contact.last_name,
             "mobile": contact.phone}  # fmt: skip
    changes |= {name: value for name, value in given.items() if value}
    places = {name: f"custom_field_{n}" for n, name in enumerate(client.custom_fields, 1)}
    for name, value in contact.properties.items():
        place = places.get(name) or (name if name in PLAIN else "")
        if not place:
            raise InvalidRequest(
                f"Lightspeed's customers have no field {name[:60]!r}: name it among the custom "
                "fields of the connection's credentials"
            )
        changes[place] = _text(value)
    return changes


def _text(value: Scalar) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value is None else as_text(value)


async def customer_id_of(client: LightspeedClient, whom: Whom) -> str:
    """Lightspeed's id of a person: as given, else by e-mail, mobile, phone, customer code.

    Raises:
        NotFound: The store has no such customer.
    """
    if whom.customer_id:
        return whom.customer_id
    places = (("email", whom.email), ("mobile", whom.phone), ("phone", whom.phone),
              ("customer_code", whom.external_id))  # fmt: skip
    for attribute, value in places:
        if value and (found := await _found(client, attribute, value)):
            return _id(found)
    raise NotFound("the store has no customer with this e-mail, telephone number or code")


async def _found(client: LightspeedClient, attribute: str, value: str) -> dict[str, Any] | None:
    """The one who has exactly this, the longest known first; a search may find more."""
    wanted = value.strip().casefold()
    exactly = [
        one
        for one in await client.customers(attribute, value)
        if isinstance(one, dict)
        and str(one.get(attribute) or "").strip().casefold() == wanted
        and not one.get("deleted_at")
    ]
    return min(exactly, key=lambda one: str(one.get("created_at")), default=None)


async def set_group(client: LightspeedClient, job: Job) -> Sent:
    """Puts a person into the group of this name or id, or takes them out of it."""
    membership: ListMembership = job.input
    wanted = membership.list.casefold()
    for group in await client.groups():
        names = {str(group.get("id")), str(group.get("name")).casefold()}
        if {membership.list, wanted} & names and not group.get("deleted_at"):
            who = await customer_id_of(client, membership)
            await client.put_in_group(_id(group), who, is_member=membership.is_member)
            return Sent(vendor_id=who)
    raise NotFound(f"the store has no customer group {membership.list[:60]!r}: create it there")


def _id(record: dict[str, Any]) -> str:
    found = record.get("id")
    if not isinstance(found, str) or not found:
        raise ConnectorBug("Lightspeed's record has no id")
    return found
