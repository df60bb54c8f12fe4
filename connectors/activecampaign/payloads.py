"""The parts of ActiveCampaign's records and webhooks that are used.

Records: https://developers.activecampaign.com/reference/contact. Webhooks are forms with PHP's
names (`contact[email]`): https://developers.activecampaign.com/page/webhooks.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from connectors.kit.payload import Contact, Id, Instant, OptionalId, Text, VendorModel


def _no_zero_date(value: Any) -> Any:
    """MySQL's zero date and the empty text both say that there is no time."""
    is_empty = isinstance(value, str) and (not value.strip() or value.startswith("0000"))
    return None if is_empty else value


MaybeInstant = Annotated[Instant | None, BeforeValidator(_no_zero_date)]


class ContactRecord(VendorModel):
    """One contact; times carry the account's offset."""

    id: Id
    email: Contact = None
    phone: Contact = None
    first_name: Text = Field("", alias="firstName")
    last_name: Text = Field("", alias="lastName")
    cdate: MaybeInstant = None
    udate: MaybeInstant = None


class Standing(VendorModel):
    """A contact on a list: 0 unconfirmed, 1 subscribed, 2 unsubscribed, 3 bounced."""

    list: OptionalId = None
    status: Text = ""
    sdate: MaybeInstant = None
    udate: MaybeInstant = None


class HookForm(VendorModel):
    """A webhook about a contact."""

    type: Text
    date_time: Text = ""
    list: OptionalId = None
    contact: Id = Field(alias="contact[id]")
    email: Contact = Field(None, alias="contact[email]")
    bounce_type: Text = Field("", alias="bounce[type]")
