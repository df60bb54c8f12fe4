"""Users: created or updated by e-mail, their tags and custom fields.

https://developer.zendesk.com/api-reference/ticketing/users/users/. A user is looked for first:
`create_or_update` is limited to one a second, and would put a made-up name on somebody known.
Nobody is sent a verification e-mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange, Properties, Whom
from connectors.kit.paging import dig
from connectors.kit.values import decimals_as_text
from connectors.zendesk.client import number_of

if TYPE_CHECKING:
    from connectors.zendesk.client import ZendeskClient


async def upsert_user(client: ZendeskClient, job: Job) -> Sent:
    """Writes what is known of a person, and makes them where they are new."""
    given: CrmContact = job.input
    properties = dict(given.properties)
    member = properties.pop(client.account.member_property, None)
    user: dict[str, Any] = {}
    if name := " ".join(part for part in (given.first_name, given.last_name) if part):
        user["name"] = name
    if given.phone:
        user["phone"] = given.phone
    if member:
        user["external_id"] = str(member)
    if properties:
        user["user_fields"] = _fields(properties)
    found = await client.user_of(Whom(email=given.email))
    if found is not None:
        identity = number_of(found)
        if user:
            await client.write("PUT", f"/users/{identity}", {"user": user})
        return Sent(vendor_id=str(identity))
    return Sent(vendor_id=str(await new_user(client, given.email, user)))


async def new_user(client: ZendeskClient, email: str, user: dict[str, Any]) -> int:
    """Makes an end user, or finds the one that somebody made at the same moment."""
    name = user.get("name") or email.partition("@")[0]
    body = {**user, "name": name, "email": email, "role": "end-user", "skip_verify_email": True}
    reply = await client.write("POST", "/users/create_or_update", {"user": body})
    return number_of(dig(reply, "user"))


async def change_user(client: ZendeskClient, job: Job) -> Sent:
    """Adds and removes tags, sets and clears custom fields."""
    change: CustomerChange = job.input
    found = await client.known_user(change)
    user: dict[str, Any] = {}
    if change.add_tags or change.remove_tags:
        user["tags"] = _tags(found.get("tags"), change)
    if change.fields:
        user["user_fields"] = _fields(change.fields)
    identity = number_of(found)
    await client.write("PUT", f"/users/{identity}", {"user": user})
    return Sent(vendor_id=str(identity))


def _tags(there: Any, change: CustomerChange) -> list[str]:
    """Zendesk's tags have no spaces and no capitals."""
    removed = {tag_of(tag) for tag in change.remove_tags}
    kept = [tag for tag in there if tag not in removed] if isinstance(there, list) else []
    added = [tag_of(tag) for tag in change.add_tags]
    return list(dict.fromkeys([*kept, *added]))


def tag_of(text: str) -> str:
    """A tag as Zendesk keeps it."""
    return "_".join(text.lower().split())


def _fields(properties: Properties) -> dict[str, Any]:
    return {tag_of(name): decimals_as_text(value) for name, value in properties.items()}
