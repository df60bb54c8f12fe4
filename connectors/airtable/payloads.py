"""The fields that are read of Airtable's payloads, and of records of people."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from connectors.airtable.account import AirtableAccount
from connectors.kit.payload import Contact, Id, Instant, Maybe, Text, VendorModel, read
from connectors.kit.webhook import Unreadable


class UserPayload(VendorModel):
    """Who changed something."""

    id: Text = ""


class SourcePayload(VendorModel):
    """What is known of the change's source."""

    user: Maybe[UserPayload] = None


class ActionPayload(VendorModel):
    """Where a change came from: `client`, `publicApi`, `formSubmission`, …"""

    source: Text = ""
    metadata: Maybe[SourcePayload] = Field(None, alias="sourceMetadata")


class TablePayload(VendorModel):
    """What changed in one table; only the records' ids are used."""

    changed: Maybe[dict[str, Any]] = Field(None, alias="changedRecordsById")
    created: Maybe[dict[str, Any]] = Field(None, alias="createdRecordsById")


class ChangePayload(VendorModel):
    """One transaction of the base."""

    timestamp: Instant
    number: int = Field(alias="baseTransactionNumber")
    action: Maybe[ActionPayload] = Field(None, alias="actionMetadata")
    tables: Maybe[dict[str, TablePayload]] = Field(None, alias="changedTablesById")


class PersonPayload(VendorModel):
    """A record, its columns by what they mean."""

    id: Id
    created: Instant
    email: Contact = None
    phone: Contact = None
    first_name: Text = ""
    last_name: Text = ""


def person_of(record: Any, account: AirtableAccount) -> PersonPayload:
    """A record of people, or of a form that people filled in."""
    if not isinstance(record, dict) or not isinstance(record.get("fields"), dict):
        raise Unreadable("the record has no fields")
    fields = record["fields"]
    columns = {
        "email": account.email_field,
        "phone": account.phone_field,
        "first_name": account.first_name_field,
        "last_name": account.last_name_field,
    }
    told = {name: _first(fields.get(column)) for name, column in columns.items()}
    known = {"id": record.get("id"), "created": record.get("createdTime")}
    return read(PersonPayload, {**known, **told})


def _first(value: Any) -> Any:
    """A column that looks something up holds a list."""
    if isinstance(value, list):
        value = value[0] if value else None
    return str(value) if type(value) is int else value
