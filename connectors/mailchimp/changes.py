"""Members that are there already: their fields, their tags, and events of theirs.

https://mailchimp.com/developer/marketing/api/list-members/update-list-member/,
https://mailchimp.com/developer/marketing/api/list-member-tags/add-or-remove-member-tags/ and
https://mailchimp.com/developer/marketing/api/list-member-events/add-event/

Events take no key. So each carries a mark of its delivery among its properties, and the
member's events are searched for it before anything is sent again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import CustomerChange, JourneyEntry
from connectors.kit.errors import InvalidRequest
from connectors.kit.values import as_text
from connectors.mailchimp.members import member_of, plain

if TYPE_CHECKING:
    from connectors.mailchimp.client import MailchimpClient

MARK = "hub_delivery"


async def change_member(client: MailchimpClient, job: Job) -> Sent:
    """Writes fields and then tags; nobody's status is touched, and nobody is made."""
    change: CustomerChange = job.input
    identity = member_of(change)
    if change.fields:
        fields = {name: plain(value) for name, value in change.fields.items()}
        await client.change_member(identity, {"merge_fields": fields})
    if change.add_tags or change.remove_tags:
        await client.set_tags(identity, add=change.add_tags, remove=change.remove_tags)
    return Sent(vendor_id=identity)


async def add_event(client: MailchimpClient, job: Job) -> Sent:
    """Adds an event to a member; journeys that wait for it begin."""
    entry: JourneyEntry = job.input
    if not 2 <= len(entry.journey) <= 30:
        raise InvalidRequest("the name of an event at Mailchimp has 2 to 30 characters")
    properties = {name: as_text(value) for name, value in entry.properties.items()}
    body: dict[str, Any] = {
        "name": entry.journey,
        "occurred_at": entry.time.isoformat(),
        "properties": {**properties, MARK: _mark(job)},
    }
    await client.add_event(member_of(entry), body)
    return Sent(vendor_id=_mark(job))


async def find_event(client: MailchimpClient, job: Job) -> Sent | None:
    """The event of this very delivery, among the member's newest thousand."""
    mark = _mark(job)
    for event in await client.events(member_of(job.input)):
        properties = event.get("properties")
        if isinstance(properties, dict) and properties.get(MARK) == mark:
            return Sent(vendor_id=mark)
    return None


def _mark(job: Job) -> str:
    return sha256(job.key.encode()).hexdigest()[:32]


CHANGE_MEMBER = Action(
    name="change_member",
    title="Change a member's fields and tags.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_member,
    capability=Capability.CUSTOMER,
    sample="change_member.response.json",
)

ADD_EVENT = Action(
    name="add_event",
    title="Add an event that starts journeys.",
    input=JourneyEntry,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=add_event,
    find=find_event,
    capability=Capability.JOURNEY,
    sample="add_event.response.json",
)
