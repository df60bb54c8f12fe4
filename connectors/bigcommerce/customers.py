"""Customer attributes, tags among them, and store credit.

https://developer.bigcommerce.com/docs/rest-management/customers: attribute values are upserted;
store credit is one number that is written as a whole.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import (
    CustomerChange,
    Scalar,
    StoreCreditEnd,
    StoreCreditGrant,
    Whom,
)
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.kit.values import as_text, json_number

if TYPE_CHECKING:
    from connectors.bigcommerce.client import BigCommerceClient

LONGEST = 255


async def customer_id_of(client: BigCommerceClient, whom: Whom) -> str:
    """BigCommerce's id of a person: as given, else found by e-mail, then by telephone.

    Raises:
        NotFound: The store has no such customer.
    """
    if whom.customer_id:
        if not whom.customer_id.isdigit():
            raise InvalidRequest(f"{whom.customer_id[:40]!r} is no id of a BigCommerce customer")
        return whom.customer_id
    for name, value in (("email", whom.email), ("phone", whom.phone)):
        if value and "," not in value:
            found = await client.customers(**{name: value})
            if found:
                return str(found[0]["id"])
    raise NotFound("the store has no customer with this e-mail or telephone number")


async def update_customer(client: BigCommerceClient, job: Job) -> Sent:
    """Writes attributes, clears them, and adds and removes tags in the attribute for tags."""
    change: CustomerChange = job.input
    owner = await customer_id_of(client, change)
    fields = dict(change.fields)
    held = await client.attribute_values(owner)
    known = await client.attributes()
    if change.add_tags or change.remove_tags:
        place = known.get(client.tags_attribute)
        fields[client.tags_attribute] = _tags(_held(held, place), change)
    values = [(name, _text(name, value)) for name, value in fields.items()]
    written = [
        {
            "attribute_id": known.get(name) or await client.create_attribute(name),
            "value": value,
            "customer_id": int(owner),
        }
        for name, value in values
        if value
    ]
    emptied = {known.get(name) for name, value in values if not value} - {None}
    gone = [int(one["id"]) for one in held if one.get("attribute_id") in emptied]
    if written:
        await client.write_attribute_values(written)
    if gone:
        await client.delete_attribute_values(gone)
    return Sent(vendor_id=owner)


def _held(values: Any, attribute_id: int | None) -> str:
    found = (one for one in values if one.get("attribute_id") == attribute_id)
    return next((str(one.get("attribute_value") or "") for one in found), "")


def _tags(held: str, change: CustomerChange) -> str:
    tags = [tag.strip() for tag in held.split(",") if tag.strip()]
    gone = {tag.casefold() for tag in change.remove_tags}
    kept = [tag for tag in tags if tag.casefold() not in gone]
    there = {tag.casefold() for tag in kept}
    for tag in change.add_tags:
        if "," in tag:
            raise InvalidRequest(f"the tag {tag[:60]!r} has a comma, which separates tags")
        if tag.casefold() not in there:
            kept.append(tag)
    return ", ".join(kept)


def _text(name: str, value: Scalar) -> str:
    """Empty for what is to be cleared: BigCommerce keeps no empty values."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    found = as_text(value)
    if len(found) > LONGEST:
        raise InvalidRequest(f"{name[:60]!r} is longer than the {LONGEST} signs of an attribute")
    return found


async def grant_store_credit(client: BigCommerceClient, job: Job) -> Sent:
    """Adds to a customer's store credit: what there is is read, the sum is written."""
    grant: StoreCreditGrant = job.input
    if grant.expires_at is not None:
        raise InvalidRequest("BigCommerce's store credit does not expire: leave the end out")
    owner, held = await _purse(client, grant, grant.currency)
    await _write_credit(client, owner, held + grant.amount)
    return Sent(vendor_id=owner)


async def take_store_credit(client: BigCommerceClient, job: Job) -> Sent:
    """Takes credit back, as far as there is any: which grant it is of BigCommerce does not keep."""
    end: StoreCreditEnd = job.input
    owner, held = await _purse(client, end, end.currency)
    if held > 0:
        await _write_credit(client, owner, max(held - end.amount, Decimal(0)))
    return Sent(vendor_id=owner)


async def _purse(client: BigCommerceClient, whom: Whom, currency: str) -> tuple[str, Decimal]:
    """Whose credit it is, and how much there is now."""
    if currency != client.currency:
        raise InvalidRequest(f"the store's credit is in {client.currency}, not {currency}")
    owner = await customer_id_of(client, whom)
    found = await client.customers(id=owner, include="storecredit")
    if not found:
        raise NotFound("the store has no such customer")
    return owner, _credit(found[0])


async def _write_credit(client: BigCommerceClient, owner: str, amount: Decimal) -> None:
    written = {"amount": json_number(amount, "store credit")}
    record = {"id": int(owner), "store_credit_amounts": [written]}
    await client.write_customers([record])


def _credit(record: Any) -> Decimal:
    amounts = record.get("store_credit_amounts")
    if not isinstance(amounts, list):
        raise ConnectorBug("BigCommerce does not say how much store credit the customer has")
    first = amounts[0].get("amount") if amounts else 0
    if isinstance(first, bool) or not isinstance(first, (int, Decimal)):
        raise ConnectorBug("BigCommerce's store credit is not a number")
    return Decimal(first)
