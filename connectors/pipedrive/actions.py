"""What the hub does at Pipedrive: persons, labels and fields, deals, activities, notes."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange
from connectors.pipedrive.persons import update_customer, upsert_contact
from connectors.pipedrive.records import (
    ActivityAdd,
    DealOpen,
    NoteAdd,
    add_activity,
    add_note,
    create_deal,
    find_activity,
    find_deal,
    find_note,
)

UPSERT_CONTACT = Action(
    name="upsert_contact",
    title="Create or update a person by their e-mail address.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_contact,
    capability=Capability.CRM,
    sample="upsert_contact.response.json",
    scopes=("contacts:full", "search:read"),
)

UPDATE_CUSTOMER = Action(
    name="update_customer",
    title="Change a person's labels and custom fields.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_customer,
    capability=Capability.CUSTOMER,
    sample="update_customer.response.json",
    scopes=("contacts:full", "search:read"),
)

CREATE_DEAL = Action(
    name="create_deal",
    title="Open a deal of a person.",
    input=DealOpen,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=create_deal,
    find=find_deal,
    sample="create_deal.response.json",
    scopes=("deals:full", "search:read"),
)

ADD_ACTIVITY = Action(
    name="add_activity",
    title="Plan an activity about a person.",
    input=ActivityAdd,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=add_activity,
    find=find_activity,
    sample="add_activity.response.json",
    scopes=("activities:full", "search:read"),
)

ADD_NOTE = Action(
    name="add_note",
    title="Write a note at a person.",
    input=NoteAdd,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=add_note,
    find=find_note,
    sample="add_note.response.json",
    scopes=("contacts:full", "search:read"),
)

ACTIONS: tuple[Action, ...] = (
    UPSERT_CONTACT,
    UPDATE_CUSTOMER,
    CREATE_DEAL,
    ADD_ACTIVITY,
    ADD_NOTE,
)
