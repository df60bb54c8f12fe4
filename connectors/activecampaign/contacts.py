"""What the hub writes about a contact: fields, tags, a list's subscription, an automation.

https://developers.activecampaign.com/reference/sync-a-contacts-data: found by e-mail, written
as it shall be, so doing it twice changes nothing. That a contact enters an automation is found
again among the contact's own entries.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from pydantic import Field

from connectors.activecampaign.client import text_of
from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import (
    CrmContact,
    CustomerChange,
    JourneyEntry,
    ListMembership,
    SubscribeAct,
    TrackedEvent,
    Whom,
)
from connectors.kit.errors import InvalidRequest, NotFound
from connectors.kit.paging import listed
from connectors.kit.values import as_text

if TYPE_CHECKING:
    from connectors.activecampaign.client import ActiveCampaignClient

SUBSCRIBED, UNSUBSCRIBED = "1", "2"
RESUBSCRIPTION = 4
"""The `sourceid` by which a subscription is allowed to follow an unsubscription."""


class ListExit(Whom):
    """A person no longer wants a list's e-mails; empty means the connection's own list."""

    list: Annotated[str, Field(max_length=18, pattern=r"^\d*$")] = ""


async def sync_contact(client: ActiveCampaignClient, job: Job) -> Sent:
    """Writes a contact by e-mail; it changes no subscription."""
    given: CrmContact = job.input
    names = {"phone": given.phone, "firstName": given.first_name, "lastName": given.last_name}
    fields = await client.field_values(given.properties)
    return Sent(vendor_id=await _synced(client, given.email, names, fields))


async def _synced(
    client: ActiveCampaignClient, email: str, names: dict[str, str], fields: list[dict[str, str]]
) -> str:
    contact: dict[str, Any] = {"email": email}
    contact |= {name: value for name, value in names.items() if value}
    if fields:
        contact["fieldValues"] = fields
    reply = await client.write("POST", "/contact/sync", {"contact": contact})
    return text_of(reply.get("contact"), "id")


async def change_contact(client: ActiveCampaignClient, job: Job) -> Sent:
    """Sets and clears fields, adds and removes tags."""
    change: CustomerChange = job.input
    identity = await client.contact_id(change)
    if change.fields:
        fields = {"fieldValues": await client.field_values(change.fields)}
        await client.write("PUT", f"/contacts/{identity}", {"contact": fields})
    for tag in change.add_tags:
        await _add_tag(client, identity, tag)
    await _remove_tags(client, identity, change.remove_tags)
    return Sent(vendor_id=identity)


async def change_segment(client: ActiveCampaignClient, job: Job) -> Sent:
    """Membership is a tag: being on a list of ActiveCampaign's would be a subscription."""
    wish: ListMembership = job.input
    identity = await client.contact_id(wish)
    if wish.is_member:
        await _add_tag(client, identity, wish.list)
    else:
        await _remove_tags(client, identity, (wish.list,))
    return Sent(vendor_id=identity)


async def _add_tag(client: ActiveCampaignClient, identity: str, tag: str) -> None:
    number = await client.tag_id(tag, make=True)
    body = {"contactTag": {"contact": identity, "tag": number}}
    await client.write("POST", "/contactTags", body)


async def _remove_tags(client: ActiveCampaignClient, identity: str, tags: tuple[str, ...]) -> None:
    numbers = {await client.tag_id(tag, make=False) for tag in tags} - {None}
    if not numbers:
        return
    reply = await client.get(f"/contacts/{identity}/contactTags")
    for one in listed(reply, "contactTags"):
        if text_of(one, "tag") in numbers:
            try:
                await client.delete(f"/contactTags/{text_of(one, 'id')}")
            except NotFound:
                continue  # somebody else took it off in the meantime


async def subscribe(client: ActiveCampaignClient, job: Job) -> Sent:
    """Puts a person on a list as subscribed, after their own fresh act."""
    act: SubscribeAct = job.input
    if act.channel != "email":
        raise InvalidRequest("ActiveCampaign's lists are for e-mail: subscribe texts elsewhere")
    wanted = _list(client, act.list)
    names = {"firstName": act.first_name, "lastName": act.last_name}
    identity = await _synced(client, act.address, names, [])
    body: dict[str, Any] = {"list": wanted, "contact": identity, "status": SUBSCRIBED}
    for one in await client.standings(identity):
        if text_of(one, "list") == wanted and text_of(one, "status") == UNSUBSCRIBED:
            body["sourceid"] = RESUBSCRIPTION
    await client.write("POST", "/contactLists", {"contactList": body})
    return Sent(vendor_id=identity)


async def unsubscribe(client: ActiveCampaignClient, job: Job) -> Sent:
    """Marks a person as unsubscribed from a list."""
    wish: ListExit = job.input
    wanted = _list(client, wish.list)
    identity = await client.contact_id(wish)
    body = {"list": wanted, "contact": identity, "status": UNSUBSCRIBED}
    await client.write("POST", "/contactLists", {"contactList": body})
    return Sent(vendor_id=identity)


def _list(client: ActiveCampaignClient, given: str) -> str:
    found = given or client.list_id
    if not found.isdecimal():
        raise InvalidRequest(
            "a list of ActiveCampaign's is named by its number: give one, or set `list_id` in the "
            "connection's block"
        )
    return found


async def enter_automation(client: ActiveCampaignClient, job: Job) -> Sent:
    """Puts a contact into an automation; what comes along is written to their fields first."""
    entry: JourneyEntry = job.input
    automation = _automation(entry)
    identity = await client.contact_id(entry)
    if entry.properties:
        fields = {"fieldValues": await client.field_values(entry.properties)}
        await client.write("PUT", f"/contacts/{identity}", {"contact": fields})
    body = {"contactAutomation": {"contact": identity, "automation": automation}}
    reply = await client.write("POST", "/contactAutomations", body)
    return Sent(vendor_id=text_of(reply.get("contactAutomation"), "id"))


async def find_entry(client: ActiveCampaignClient, job: Job) -> Sent | None:
    """The entry into this automation since what it is about happened."""
    entry: JourneyEntry = job.input
    automation = _automation(entry)
    reply = await client.get(f"/contacts/{await client.contact_id(entry)}")
    happened = entry.time.astimezone(UTC).replace(microsecond=0)
    for one in listed(reply, "contactAutomations"):
        if text_of(one, "automation") == automation and _entered(one) >= happened:
            return Sent(vendor_id=text_of(one, "id"))
    return None


def _automation(entry: JourneyEntry) -> str:
    if not entry.journey.isdecimal():
        raise InvalidRequest(
            "an automation of ActiveCampaign's is named by its number, which stands in its "
            f"address, not {entry.journey[:60]!r}"
        )
    return entry.journey


def _entered(record: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(record.get("adddate")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def track_event(client: ActiveCampaignClient, job: Job) -> Sent:
    """Reports what a person did; ActiveCampaign knows them by e-mail alone."""
    told: TrackedEvent = job.input
    if not told.email:
        raise InvalidRequest("ActiveCampaign takes events about people with an e-mail address")
    data = {name: as_text(value) for name, value in told.properties.items()}
    if told.value is not None:
        data["value"] = as_text(told.value)
    form = {
        "event": told.name,
        "eventdata": orjson.dumps(data).decode() if data else "",
        "visit": orjson.dumps({"email": told.email}).decode(),
    }
    await client.track(form)
    return Sent()
