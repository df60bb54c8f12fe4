"""Finding a customer, and writing their meta fields.

https://woocommerce.github.io/woocommerce-rest-api-docs/#update-a-customer: meta fields are
written by key, and one whose value is null is removed, so doing it twice changes nothing.
WooCommerce's customers have no tags: they are kept in one meta field, with commas between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CustomerChange, Whom
from connectors.kit.errors import InvalidRequest, NotFound
from connectors.kit.values import as_text
from connectors.woocommerce.records import Record, id_of

if TYPE_CHECKING:
    from connectors.woocommerce.client import WooCommerceClient

TAGS = "tags"
"""The name of the meta field that holds the tags, after the prefix."""


async def find_customer(client: WooCommerceClient, whom: Whom) -> Record:
    """The shop's record of a person: by its id, else by e-mail.

    Raises:
        NotFound: The shop has no such customer.
    """
    if whom.customer_id:
        if not _is_id(whom.customer_id):
            raise InvalidRequest("WooCommerce's customer ids are numbers")
        return await client.customer(whom.customer_id)
    if not whom.email:
        raise NotFound("WooCommerce finds customers by id or e-mail, and neither is known")
    for found in await client.customers(whom.email):
        if isinstance(found, dict):
            return found
    raise NotFound("the shop has no customer with this e-mail address")


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit()


async def update_customer(client: WooCommerceClient, job: Job) -> Sent:
    """Writes and clears meta fields; tags are one of them."""
    change: CustomerChange = job.input
    fields = {
        _key(client, name): None if value is None else as_text(value)
        for name, value in change.fields.items()
    }
    if not (change.add_tags or change.remove_tags) and _is_id(change.customer_id):
        owner = change.customer_id
    else:
        customer = await find_customer(client, change)
        owner = id_of(customer)
        fields |= _tags(client, customer, change)
    meta = [{"key": key, "value": value} for key, value in fields.items()]
    return Sent(vendor_id=id_of(await client.write_customer(owner, {"meta_data": meta})))


def _tags(
    client: WooCommerceClient, customer: Record, change: CustomerChange
) -> dict[str, str | None]:
    if not (change.add_tags or change.remove_tags):
        return {}
    if any("," in tag for tag in (*change.add_tags, *change.remove_tags)):
        raise InvalidRequest("a tag has no comma: tags are kept in one field, with commas between")
    key = _key(client, TAGS)
    held = str(meta_of(customer, key) or "")
    tags = {tag.strip() for tag in held.split(",") if tag.strip()}
    tags = (tags - set(change.remove_tags)) | set(change.add_tags)
    return {key: ",".join(sorted(tags)) or None}


def meta_of(record: Any, key: str) -> Any:
    """What a meta field holds; None where there is none."""
    fields = record.get("meta_data") if isinstance(record, dict) else None
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, dict) and field.get("key") == key:
            return field.get("value")
    return None


def _key(client: WooCommerceClient, name: str) -> str:
    found = "".join(letter if letter.isalnum() else "_" for letter in name)
    if not found.isascii():
        raise InvalidRequest(f"the field {name[:60]!r} cannot be the name of a meta field")
    return f"{client.meta_prefix}{found}"
