"""What the hub does at Marketing Cloud: contacts, journeys, e-mails, rows."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CrmContact, EmailMessage, JourneyEntry, RowUpsert
from connectors.salesforce.contacts import enter_journey, send_email, upsert_contact
from connectors.salesforce.rows import ROWS_PER_CALL, upsert_row, upsert_rows

UPSERT_CONTACT = Action(
    name="upsert_contact",
    title="Create or update a contact by its key.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_contact,
    capability=Capability.CRM,
    sample="upsert_contact.response.json",
    scopes=("audiences_read", "audiences_write"),
)

ENTER_JOURNEY = Action(
    name="enter_journey",
    title="Let a contact enter a journey by its entry event.",
    input=JourneyEntry,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=enter_journey,
    capability=Capability.JOURNEY,
    sample="enter_journey.response.json",
    scopes=("journeys_read", "list_and_subscribers_read"),
)

SEND_EMAIL = Action(
    name="send_email",
    title="Send a transactional e-mail through a send definition.",
    input=EmailMessage,
    output=Sent,
    idempotency=Idempotency.NATIVE_KEY,
    run=send_email,
    capability=Capability.EMAIL,
    gated=True,
    sample="send_email.response.json",
    scopes=("email_send",),
)

UPSERT_ROW = Action(
    name="upsert_row",
    title="Write a row of a data extension by its key.",
    input=RowUpsert,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_row,
    run_batch=upsert_rows,
    batch_size=ROWS_PER_CALL,
    capability=Capability.ROW,
    sample="upsert_row.response.json",
    scopes=("data_extensions_read", "data_extensions_write"),
)

ACTIONS: tuple[Action, ...] = (UPSERT_CONTACT, ENTER_JOURNEY, SEND_EMAIL, UPSERT_ROW)
