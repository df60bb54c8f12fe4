"""What the hub does at Airtable: rows and people upserted, records created and updated."""

from __future__ import annotations

from connectors.airtable.records import (
    BATCH_SIZE,
    RecordCreate,
    RecordUpdate,
    create_record,
    create_records,
    update_record,
    update_records,
    upsert_contact,
    upsert_contacts,
    upsert_row,
    upsert_rows,
)
from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CrmContact, RowUpsert

WRITE = "data.records:write"

UPSERT_ROW = Action(
    name="upsert_row",
    title="Write a row by its key.",
    input=RowUpsert,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_row,
    run_batch=upsert_rows,
    batch_size=BATCH_SIZE,
    capability=Capability.ROW,
    sample="upsert_row.response.json",
    scopes=(WRITE,),
)

UPSERT_CONTACT = Action(
    name="upsert_contact",
    title="Write a person by their e-mail address.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_contact,
    run_batch=upsert_contacts,
    batch_size=BATCH_SIZE,
    capability=Capability.CRM,
    sample="upsert_contact.response.json",
    scopes=(WRITE,),
)

CREATE_RECORD = Action(
    name="create_record",
    title="Add a record to a table.",
    input=RecordCreate,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=create_record,
    run_batch=create_records,
    batch_size=BATCH_SIZE,
    sample="create_record.response.json",
    scopes=(WRITE,),
)

UPDATE_RECORD = Action(
    name="update_record",
    title="Change the fields of a record.",
    input=RecordUpdate,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_record,
    run_batch=update_records,
    batch_size=BATCH_SIZE,
    sample="update_record.response.json",
    scopes=(WRITE,),
)

ACTIONS: tuple[Action, ...] = (UPSERT_ROW, UPSERT_CONTACT, CREATE_RECORD, UPDATE_RECORD)
