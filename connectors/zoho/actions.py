"""What the hub does at Zoho CRM: contacts, leads, tags and fields, notes."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange
from connectors.zoho.notes import ContactNote, add_note, find_note
from connectors.zoho.people import (
    BATCH_SIZE,
    Lead,
    update_customer,
    upsert_contact,
    upsert_contacts,
    upsert_lead,
    upsert_leads,
)

CONTACTS = "ZohoCRM.modules.contacts.ALL"
LEADS = "ZohoCRM.modules.leads.ALL"
NOTES = "ZohoCRM.modules.notes.ALL"

UPSERT_CONTACT = Action(
    name="upsert_contact",
    title="Create or update a contact by its e-mail address.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_contact,
    run_batch=upsert_contacts,
    batch_size=BATCH_SIZE,
    capability=Capability.CRM,
    sample="upsert_contact.response.json",
    scopes=(CONTACTS,),
)

UPDATE_CUSTOMER = Action(
    name="update_customer",
    title="Change a contact's tags and fields.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_customer,
    capability=Capability.CUSTOMER,
    sample="update_customer.response.json",
    scopes=(CONTACTS,),
)

UPSERT_LEAD = Action(
    name="upsert_lead",
    title="Create or update a lead by its e-mail address.",
    input=Lead,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_lead,
    run_batch=upsert_leads,
    batch_size=BATCH_SIZE,
    sample="upsert_lead.response.json",
    scopes=(LEADS,),
)

ADD_NOTE = Action(
    name="add_note",
    title="Write a note at a contact.",
    input=ContactNote,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=add_note,
    find=find_note,
    sample="add_note.response.json",
    scopes=(CONTACTS, NOTES),
)

ACTIONS: tuple[Action, ...] = (UPSERT_CONTACT, UPDATE_CUSTOMER, UPSERT_LEAD, ADD_NOTE)
