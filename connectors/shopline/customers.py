"""Finding a customer, and changing their tags.

https://developer.shopline.com/docs/admin-rest-api/customer/customer-information. The tags are
one text that is written whole, so it is read first; what is there already is not written again.
Fields have no place of their own: each is kept in one tag, `loyalty:tier=Gold`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CustomerChange, Whom
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.shopline.client import ShoplineClient


async def customer_id(client: ShoplineClient, whom: Whom) -> str:
    """SHOPLINE's id of a person: as given, else found by e-mail, then by telephone.

    Raises:
        InvalidRequest: The id cannot be one of SHOPLINE's.
        NotFound: The shop has no such customer.
    """
    if whom.customer_id:
        if not whom.customer_id.isascii() or not whom.customer_id.isalnum():
            raise InvalidRequest("a customer's id at SHOPLINE has letters and digits only")
        return whom.customer_id
    if whom.email:
        path, body = "/customers/query_user_by_email.json", {"email": whom.email}
        reply = await client.send("POST", path, body, writes=False)
        if isinstance(reply.get("customer"), dict) and reply["customer"].get("id"):
            return text_of(reply["customer"], "id")
    if whom.phone:
        query = {"query_param": _digits(whom.phone)}
        for found in (await client.get("/customers/v2/search.json", query)).get("customers") or ():
            # The search is a loose one: only the very same number counts.
            if isinstance(found, dict) and _digits(str(found.get("phone"))) == _digits(whom.phone):
                return text_of(found, "id")
    raise NotFound("the shop has no customer with this e-mail or telephone number")


def _digits(phone: str) -> str:
    """The digits of an international number, which SHOPLINE begins with 00."""
    return "".join(letter for letter in phone if letter.isdigit()).removeprefix("00")


def text_of(found: Any, name: str) -> str:
    """A text or number of a reply; ConnectorBug where it is not there."""
    value = found.get(name) if isinstance(found, dict) else None
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        raise ConnectorBug(f"SHOPLINE's answer has no {name}")
    return str(value)


async def update_customer(client: ShoplineClient, job: Job) -> Sent:
    """Adds and removes tags; a field replaces the tag that held it."""
    change: CustomerChange = job.input
    identity = await customer_id(client, change)
    found = (await client.get(f"/customers/v2/{identity}.json")).get("customer")
    if not isinstance(found, dict):
        raise NotFound("the shop has no customer with this id")
    before = tags_in(found.get("tags"))
    after = tags_after(before, change, client.account.tag_prefix)
    if after != before:
        body = {"customer": {"tags": ",".join(after)}}
        await client.send("PUT", f"/customers/{identity}.json", body)
    return Sent(vendor_id=identity)


def tags_in(text: Any) -> list[str]:
    """The tags of a customer, written with commas or as a JSON list."""
    if isinstance(text, str) and text.startswith("["):
        try:
            text = json.loads(text)
        except ValueError:
            raise ConnectorBug("SHOPLINE's answer has tags that cannot be read") from None
    parts: Sequence[Any] = text.split(",") if isinstance(text, str) else text or ()
    return [tag for part in parts if (tag := str(part).strip())]


def tags_after(before: Sequence[str], change: CustomerChange, prefix: str) -> list[str]:
    """The tags once the change is made, in their order, each once."""
    held = tuple(f"{prefix}:{_word(name)}=" for name in change.fields)
    gone = {tag.strip().lower() for tag in change.remove_tags}
    kept = [tag for tag in before if tag.lower() not in gone and not tag.startswith(held)]
    new = [_word(tag) for tag in change.add_tags]
    new += [
        f"{prefix}:{_word(name)}={_word(as_text(value))}"
        for name, value in change.fields.items()
        if value is not None
    ]
    return list(dict.fromkeys([*kept, *new]))


def _word(text: str) -> str:
    return text.replace(",", " ").strip()
