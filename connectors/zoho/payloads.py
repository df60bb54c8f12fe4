"""The fields that are read of Zoho's contacts, leads and deals."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from connectors.kit.payload import Contact, Country, Id, Instant, Items, Maybe, Text, VendorModel


def _day(value: object) -> object:
    return value if isinstance(value, str) and value else None


Day = Annotated[date | None, BeforeValidator(_day)]


class TagPayload(VendorModel):
    """A tag at a record."""

    name: Text = ""


class PersonPayload(VendorModel):
    """A contact or a lead."""

    id: Id
    Email: Contact = None
    Phone: Contact = None
    Mobile: Contact = None
    First_Name: Text = ""
    Last_Name: Text = ""
    Mailing_Country: Country = ""
    Date_of_Birth: Day = None
    Email_Opt_Out: bool | None = None
    Tag: Items[TagPayload] = ()
    Created_Time: Instant
    Modified_Time: Instant


class LookupPayload(VendorModel):
    """A record that another one names."""

    id: Id


class DealPayload(VendorModel):
    """A deal."""

    id: Id
    Stage: Text = ""
    Contact_Name: Maybe[LookupPayload] = None
    Modified_Time: Instant


CONTACT_FIELDS = (
    "id", "Email", "Phone", "Mobile", "First_Name", "Last_Name", "Mailing_Country",
    "Date_of_Birth", "Email_Opt_Out", "Tag", "Created_Time", "Modified_Time",
)  # fmt: skip
LEAD_FIELDS = (
    "id", "Email", "Phone", "Mobile", "First_Name", "Last_Name", "Email_Opt_Out", "Tag",
    "Created_Time", "Modified_Time",
)  # fmt: skip
DEAL_FIELDS = ("id", "Stage", "Contact_Name", "Modified_Time")
