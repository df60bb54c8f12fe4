"""Finding a customer, and changing their tags and metafields.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/tagsAdd and metafieldsSet: both say
what shall be, so doing it twice changes nothing.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CustomerChange, Scalar, Whom
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.shopify.client import ShopifyClient

FIND = """
query($identifier: CustomerIdentifierInput!) {
  customerByIdentifier(identifier: $identifier) { id }
}
"""
CHANGE = """
mutation($id: ID!, $add: [String!]!, $remove: [String!]!,
         $set: [MetafieldsSetInput!]!, $clear: [MetafieldIdentifierInput!]!,
         $adds: Boolean!, $removes: Boolean!, $sets: Boolean!, $clears: Boolean!) {
  tagsAdd(id: $id, tags: $add) @include(if: $adds) { userErrors { field message } }
  tagsRemove(id: $id, tags: $remove) @include(if: $removes) { userErrors { field message } }
  metafieldsSet(metafields: $set) @include(if: $sets) { userErrors { field message code } }
  metafieldsDelete(metafields: $clear) @include(if: $clears) { userErrors { field message } }
}
"""
MAX_METAFIELDS = 25
"""In one call of metafieldsSet."""


async def customer_gid(client: ShopifyClient, whom: Whom) -> str:
    """Shopify's id of a person: as given, else found by e-mail, then by telephone.

    Raises:
        NotFound: The shop has no such customer.
    """
    if whom.customer_id:
        return gid("Customer", whom.customer_id)
    for name, value in (("emailAddress", whom.email), ("phoneNumber", whom.phone)):
        if value:
            found = await client.query(FIND, {"identifier": {name: value}})
            customer = found.get("customerByIdentifier")
            if isinstance(customer, dict):
                return text_of(customer, "id")
    raise NotFound("the shop has no customer with this e-mail or telephone number")


def gid(kind: str, identity: str) -> str:
    """The global id of a number; a global id stays what it is."""
    return identity if identity.startswith("gid://") else f"gid://shopify/{kind}/{identity}"


def text_of(node: Any, name: str) -> str:
    """A text of a reply; ConnectorBug where it is not there."""
    found = node.get(name) if isinstance(node, dict) else None
    if not isinstance(found, str) or not found:
        raise ConnectorBug(f"Shopify's answer has no {name}")
    return found


async def update_customer(client: ShopifyClient, job: Job) -> Sent:
    """Adds and removes tags, sets and clears metafields, in one call."""
    change: CustomerChange = job.input
    if len(change.fields) > MAX_METAFIELDS:
        raise InvalidRequest(f"Shopify takes {MAX_METAFIELDS} metafields in a call at most")
    owner = await customer_gid(client, change)
    place = {"ownerId": owner, "namespace": client.namespace}
    fields = [(_key(name), value) for name, value in change.fields.items()]
    given = [{**place, "key": name, **_typed(value)} for name, value in fields if value is not None]
    cleared = [{**place, "key": name} for name, value in fields if value is None]
    await client.mutate(
        CHANGE,
        {
            "id": owner,
            "add": list(change.add_tags),
            "remove": list(change.remove_tags),
            "set": given,
            "clear": cleared,
            "adds": bool(change.add_tags),
            "removes": bool(change.remove_tags),
            "sets": bool(given),
            "clears": bool(cleared),
        },
    )
    return Sent(vendor_id=owner)


def _key(name: str) -> str:
    """A metafield's key: letters, digits, hyphen and underscore, 2 to 64 of them."""
    found = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
    if not found.isascii() or not 2 <= len(found) <= 64:
        raise InvalidRequest(f"the field {name[:60]!r} cannot be the key of a metafield")
    return found


def _typed(value: Scalar) -> dict[str, str]:
    if isinstance(value, bool):
        return {"type": "boolean", "value": as_text(value)}
    if isinstance(value, int):
        return {"type": "number_integer", "value": str(value)}
    if isinstance(value, Decimal):
        return {"type": "number_decimal", "value": as_text(value)}
    if "\n" in str(value):
        return {"type": "multi_line_text_field", "value": str(value)}
    return {"type": "single_line_text_field", "value": str(value)}
