"""What the hub does at ActiveCampaign: contacts, tags, lists, automations, events."""

from __future__ import annotations

from connectors.activecampaign.contacts import (
    ListExit,
    change_contact,
    change_segment,
    enter_automation,
    find_entry,
    subscribe,
    sync_contact,
    track_event,
    unsubscribe,
)
from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import (
    CrmContact,
    CustomerChange,
    JourneyEntry,
    ListMembership,
    SubscribeAct,
    TrackedEvent,
)

SYNC_CONTACT = Action(
    name="sync_contact",
    title="Create or update a contact by e-mail.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=sync_contact,
    capability=Capability.CRM,
    sample="sync_contact.response.json",
)

CHANGE_CONTACT = Action(
    name="change_contact",
    title="Change a contact's tags and fields.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_contact,
    capability=Capability.CUSTOMER,
    sample="change_contact.response.json",
)

CHANGE_SEGMENT = Action(
    name="change_segment",
    title="Put a contact into a segment by its tag, or take them out.",
    input=ListMembership,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=change_segment,
    capability=Capability.LIST,
    sample="change_segment.response.json",
)

SUBSCRIBE = Action(
    name="subscribe",
    title="Subscribe a person to a list after their own act.",
    input=SubscribeAct,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=subscribe,
    capability=Capability.SUBSCRIBE,
    sample="subscribe.response.json",
)

UNSUBSCRIBE = Action(
    name="unsubscribe",
    title="Mark a contact as unsubscribed from a list.",
    input=ListExit,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=unsubscribe,
    sample="unsubscribe.response.json",
)

ENTER_AUTOMATION = Action(
    name="enter_automation",
    title="Put a contact into an automation.",
    input=JourneyEntry,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=enter_automation,
    find=find_entry,
    capability=Capability.JOURNEY,
    sample="enter_automation.response.json",
)

TRACK_EVENT = Action(
    name="track_event",
    title="Report an event of a contact.",
    input=TrackedEvent,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=track_event,
    capability=Capability.TRACK,
    sample="track_event.response.json",
)

ACTIONS: tuple[Action, ...] = (
    SYNC_CONTACT,
    CHANGE_CONTACT,
    CHANGE_SEGMENT,
    SUBSCRIBE,
    UNSUBSCRIBE,
    ENTER_AUTOMATION,
    TRACK_EVENT,
)
